"""Whatever a program sends: an answer, never an exception, and books that are still right."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import onefill.mt5 as mt5
from onefill.terminal.simulator.profile import load_profile
from tests.unit.mt5.stage import FALLING, connected

_PROFILE = load_profile()

_NUMBERS = {
    "action": st.sampled_from([0, 1, 5, 6, 7, 8, 10, 99, 2**32 - 1]),
    "magic": st.sampled_from([0, 2**63, 2**64 - 1]),
    "order": st.sampled_from([0, 1_000_001, 1_000_002, 2**64 - 1]),
    "symbol": st.sampled_from(["EURUSD", "GBPUSD", "USDJPY", "FAKE", "", "é", "\ud800"]),
    "volume": st.sampled_from([0.1, 0.2, 0.0, -1.0, 1e-9, 1e300, 501.0]),
    "price": st.sampled_from([0.0, 1.39, 1.3901, 1.3, 1.5, -1.0, 1e300, 1.399999999]),
    "stoplimit": st.sampled_from([0.0, 1.38, 1e300]),
    "sl": st.sampled_from([0.0, 1.38, 1.40, -1.0, 1e300]),
    "tp": st.sampled_from([0.0, 1.38, 1.40, -1.0, 1e300]),
    "deviation": st.sampled_from([0, 20, 2**64 - 1]),
    "type": st.sampled_from([*range(10), 99, 2**32 - 1]),
    "type_filling": st.sampled_from([0, 1, 2, 3, 99]),
    "type_time": st.sampled_from([0, 1, 2, 3, 99]),
    "expiration": st.sampled_from([0, 1, 1_399_550_500, 2**64 - 1]),
    "comment": st.sampled_from(["", "mine", "x" * 31, "x" * 32, "\ud800", "é"]),
    "position": st.sampled_from([0, 1_000_001, 1_000_002, 2**64 - 1]),
    "position_by": st.sampled_from([0, 1_000_001, 1_000_002]),
}
_REQUESTS = st.fixed_dictionaries({}, optional=_NUMBERS)


@given(st.lists(_REQUESTS, min_size=1, max_size=12))
def test_any_sequence_of_requests_is_answered(requests: list[dict[str, Any]]) -> None:
    with connected({"EURUSD": FALLING, "GBPUSD": FALLING}, _PROFILE) as backend:
        for request in requests:
            check = mt5.order_check(request)
            result = mt5.order_send(request)
            if result is None:
                assert mt5.last_error()[0] == -2
                assert check is None
            else:
                assert 10004 <= result.retcode <= 10046
                assert result.comment
            backend.sleep_ms(500)
        deals = mt5.history_deals_get(0, 10**11)
        account = mt5.account_info()
        assert deals is not None
        assert account is not None
        booked = sum(one.profit + one.commission + one.swap + one.fee for one in deals)
        assert round(account.balance, 2) == round(booked, 2)
        assert mt5.positions_total() == len(mt5.positions_get() or ())
        assert mt5.orders_total() == len(mt5.orders_get() or ())


@given(
    st.lists(
        st.one_of(
            st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(),
            st.datetimes(), st.lists(st.integers()), st.dictionaries(st.text(), st.integers()),
        ),
        max_size=5,
    ),
    st.sampled_from(["symbol", "group", "ticket", "position", "login", "request", "anything"]),
)  # fmt: skip
def test_any_arguments_are_taken_or_refused_without_an_exception(
    values: list[Any], name: str
) -> None:
    with connected(profile=_PROFILE):
        for function in (
            mt5.symbols_get, mt5.symbol_info, mt5.symbol_info_tick, mt5.symbol_select,
            mt5.orders_get, mt5.positions_get, mt5.history_orders_get, mt5.history_deals_get,
            mt5.history_orders_total, mt5.history_deals_total, mt5.order_calc_margin,
            mt5.order_calc_profit, mt5.order_check, mt5.order_send, mt5.login,
        ):  # fmt: skip
            called: Any = function
            called(*values)
            code, text = mt5.last_error()
            assert code == 1 or (code < 0 and text)
        for called in (
            mt5.symbols_get, mt5.orders_get, mt5.positions_get, mt5.history_orders_get,
            mt5.history_deals_get, mt5.login, mt5.initialize, mt5.order_send, mt5.order_check,
        ):  # fmt: skip
            called(**{name: values[0] if values else None})
            code, text = mt5.last_error()
            assert code == 1 or (code < 0 and text)
