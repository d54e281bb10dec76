"""The limit hierarchy as the gateway composes it, and overrides by two persons (control 21)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefill.gateway.identity.limits import looser, tighter
from onefill.gateway.identity.model import Account
from onefill.gateway.identity.opening import Identity, open_identity
from onefill.model.errors import OnefillError
from onefill.risk.caps import LIMITS, Kind, Value, tightness
from onefill.risk.limits import limits_text, load_limits
from onefill.runtime.clock import VirtualClock
from tests.unit.gateway.identity.conftest import NOW_MS

HOUR_MS = 3_600_000


def account(identity: Identity) -> Account:
    found = identity.directory.account("acme", "1001")
    assert found is not None
    return found


def order_volume(identity: Identity, magic: int = 0, symbol: str = "EURUSD") -> float:
    """Lots that one order may have."""
    caps = identity.directory.limits(account(identity)).caps(magic, symbol)
    return caps.order_volume_e8 / 1e8


def make_live(identity: Identity) -> None:
    identity.admin.people.change_account("acme", "1001", live=True, by="test")


def test_a_live_account_without_limits_may_nothing(identity: Identity) -> None:
    make_live(identity)
    caps = identity.directory.limits(account(identity)).caps(0, "EURUSD")
    assert {"trading", "auto_trading", "max_order_volume", "max_orders"} <= set(caps.missing)
    assert not caps.auto_trading
    assert not caps.permitted


def test_a_demo_account_meets_the_shipped_limits_where_nothing_is_set(identity: Identity) -> None:
    caps = identity.directory.limits(account(identity)).caps(0, "EURUSD")
    assert caps.missing == ()
    identity.admin.limits.set({"max_orders": "20000"}, by="test")
    caps = identity.directory.limits(account(identity)).caps(0, "EURUSD")
    assert caps.account.orders == 20_000, "a default does not tighten what somebody set"


def test_of_firm_tenant_account_strategy_and_symbol_the_tightest_holds(
    identity: Identity,
) -> None:
    limits = identity.admin.limits
    limits.set({"max_order_volume": "50"}, by="test")
    assert order_volume(identity) == 50
    limits.set({"max_order_volume": "60"}, tenant="acme", by="test")
    assert order_volume(identity) == 50
    limits.set({"max_order_volume": "40"}, tenant="acme", account="1001", by="test")
    assert order_volume(identity) == 40
    limits.set({"max_order_volume": "5"}, tenant="acme", level="strategy.7", by="test")
    limits.set({"max_order_volume": "9"}, level="strategy.7", by="test")
    assert order_volume(identity, magic=7) == 5
    assert order_volume(identity, magic=8) == 40
    limits.set({"max_order_volume": "2"}, level="symbol.XAUUSD.m", by="test")
    assert order_volume(identity, magic=7, symbol="XAUUSD.m") == 2
    limits.unset(["max_order_volume"], level="strategy.7", tenant="acme", by="test")
    assert order_volume(identity, magic=7) == 9


def test_another_tenants_and_accounts_limits_do_not_reach_here(identity: Identity) -> None:
    before = identity.directory.limits(account(identity)).text()
    identity.admin.limits.set({"max_order_volume": "1"}, tenant="other", by="test")
    identity.admin.limits.set({"trading": "halted"}, tenant="other", account="2002", by="test")
    assert identity.directory.limits(account(identity)).text() == before


def test_symbols_must_be_on_every_list(identity: Identity) -> None:
    limits = identity.admin.limits
    limits.set({"symbols": "EURUSD,GBPUSD"}, by="test")
    limits.set({"symbols": '["GBPUSD", "USDJPY"]'}, tenant="acme", by="test")
    held = identity.directory.limits(account(identity))
    permitted = [one for one in ("EURUSD", "GBPUSD", "USDJPY") if held.caps(0, one).permitted]
    assert permitted == ["GBPUSD"]


def test_each_limit_says_who_set_it(identity: Identity) -> None:
    limits = identity.admin.limits
    limits.set({"max_order_volume": "5", "symbols": "EURUSD,GBPUSD"}, by="test")
    limits.set({"max_positions": "9", "auto_trading": "true"}, by="test")
    limits.set({"symbols": "GBPUSD,USDJPY", "max_positions": "3"}, tenant="acme", by="test")
    acme = {"tenant": "acme", "account": "1001"}
    limits.set({"max_order_volume": "4", "auto_trading": "true"}, **acme, by="test")
    limits.set({"max_order_volume": "4"}, level="strategy.7", by="test")
    limits.set({"max_order_volume": "6"}, level="strategy.7", **acme, by="test")
    row = limits.ask_override(
        "acme", "1001", "max_order_volume", "4.5", reason="roll", lasts_ms=HOUR_MS, by="anna"
    )
    limits.approve_override(row.id, by="bert")
    held = identity.directory.limits_held(account(identity))
    told = {(one.level, one.limit): (one.value, one.source) for one in held}
    assert told["firm", "max_order_volume"] == ("5", "firm")
    assert told["tenant", "max_positions"] == ("3", "tenant")
    assert told["firm", "symbols"][1] == "firm"
    assert told["firm", "auto_trading"] == ("true", "firm")
    assert told["account", "auto_trading"] == ("true", "account")
    assert told["account", "max_order_volume"] == ("4.5", f"override {row.id}")
    assert told["strategy.7", "max_order_volume"] == ("4.5", f"override {row.id}")
    assert told["account", "max_orders"][1] == "shipped"
    lines = [f"{one.level}.{one.limit} = {one.value}" for one in held]
    assert "\n".join(lines) + "\n" == identity.directory.limits(account(identity)).text()
    make_live(identity)
    held = identity.directory.limits_held(account(identity))
    assert not [one for one in held if one.source == "shipped"]


def test_a_list_of_symbols_that_two_cut_down_names_both(identity: Identity) -> None:
    limits = identity.admin.limits
    limits.set({"symbols": "EURUSD,GBPUSD"}, level="strategy.7", by="test")
    limits.set({"symbols": "GBPUSD,USDJPY"}, level="strategy.7", tenant="acme", by="test")
    (held,) = [
        one
        for one in identity.directory.limits_held(account(identity))
        if one.level == "strategy.7"
    ]
    assert (held.value, held.source) == ('["GBPUSD"]', "firm and tenant")


def test_limits_stay_the_same_object_until_something_changes(identity: Identity) -> None:
    first = identity.directory.limits(account(identity))
    assert identity.directory.limits(account(identity)) is first
    identity.admin.limits.set({"max_orders": "3"}, by="test")
    assert identity.directory.limits(account(identity)) is not first


def test_a_limits_file_replaces_all_that_a_scope_set(identity: Identity) -> None:
    limits = identity.admin.limits
    limits.set({"max_orders": "3", "max_positions": "4"}, by="test")
    limits.replace('[firm]\nmax_orders = 5\n[strategy.7]\nmax_orders = "unlimited"\n', "f", by="x")
    told = [(row.level, row.name, row.value) for row in limits.rows()]
    assert told == [("firm", "max_orders", "5"), ("strategy.7", "max_orders", '"unlimited"')]
    text = limits_text()
    assert limits.replace(text, "shipped", tenant="acme", account="1001", by="x") > 10


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"max_order": "5"}, "did you mean max_orders"),
        ({"max_orders": "many"}, "whole number"),
        ({"max_orders": "-1"}, "whole number"),
        ({"max_orders": "1.5"}, "whole number"),
        ({"max_order_value": "nan"}, "a number"),
        ({"trading": "maybe"}, "reduce_only"),
        ({"symbols": ""}, "symbol names"),
        ({"max_orders": "1\nmax_positions = 2"}, "one line"),
        ({"max_orders = 1\nx": "1"}, "no such limit"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_and_changes_nothing(
    identity: Identity, values: dict[str, str], told: str
) -> None:
    with pytest.raises(OnefillError) as refused:
        identity.admin.limits.set({"max_positions": "9", **values}, by="test")
    assert refused.value.code == "LIMITS_INVALID"
    assert told in refused.value.message
    assert identity.admin.limits.rows() == []


@pytest.mark.parametrize(
    ("tenant", "level"),
    [("", "account"), ("acme", "firm"), ("", "strategy.x"), ("", "strategy."), ("", "nonsense")],
)
def test_a_scope_sets_its_own_level_strategies_and_symbols(
    identity: Identity, tenant: str, level: str
) -> None:
    with pytest.raises(OnefillError) as refused:
        identity.admin.limits.set({"max_orders": "1"}, tenant=tenant, level=level, by="test")
    assert refused.value.code == "LIMITS_INVALID"


def test_the_agents_own_limits_are_approved_by_fingerprint(identity: Identity) -> None:
    fingerprint = load_limits(None).fingerprint()
    identity.admin.limits.approve("acme", "1001", fingerprint, by="test")
    assert account(identity).approved_limits == fingerprint
    with pytest.raises(OnefillError) as refused:
        identity.admin.limits.approve("acme", "1001", "abc", by="test")
    assert refused.value.code == "FINGERPRINT_INVALID"


def test_an_override_needs_two_persons_and_runs_out(
    identity: Identity, clock: VirtualClock
) -> None:
    limits = identity.admin.limits
    limits.set({"max_order_volume": "5"}, by="test")
    limits.set({"max_order_volume": "4"}, tenant="acme", level="strategy.7", by="test")
    asked = limits.ask_override(
        "acme", "1001", "max_order_volume", "20", reason="roll", lasts_ms=HOUR_MS, by="Anna Mayer"
    )
    assert order_volume(identity) == 5
    for same in ("Anna Mayer", "anna  mayer ", "ANNA MAYER"):
        with pytest.raises(OnefillError) as refused:
            limits.approve_override(asked.id, by=same)
        assert refused.value.code == "OVERRIDE_SAME_PERSON"
    assert order_volume(identity) == 5
    clock.advance(NOW_MS + 60_000)
    limits.approve_override(asked.id, by="Bert Kurz")
    assert order_volume(identity) == 20
    assert order_volume(identity, magic=7) == 20
    identity.directory.refresh()
    clock.advance(NOW_MS + 60_000 + HOUR_MS - 1)
    assert order_volume(identity) == 20
    assert not identity.directory.refresh()
    clock.advance(NOW_MS + 60_000 + HOUR_MS)
    assert order_volume(identity) == 5
    assert identity.directory.refresh(), "that it ran out is a change"
    whats = [(one.who, one.what) for one in identity.store.entries()][-2:]
    assert whats == [("Anna Mayer", "override.ask"), ("Bert Kurz", "override.approve")]


def test_an_override_only_loosens(identity: Identity) -> None:
    limits = identity.admin.limits
    limits.set({"max_order_volume": "5", "symbols": "EURUSD"}, by="test")
    for name, value in (("max_order_volume", "1"), ("symbols", "GBPUSD")):
        asked = limits.ask_override(
            "acme", "1001", name, value, reason="why", lasts_ms=HOUR_MS, by="anna"
        )
        limits.approve_override(asked.id, by="bert")
    assert order_volume(identity) == 5
    held = identity.directory.limits(account(identity))
    assert held.caps(0, "EURUSD").permitted
    assert held.caps(0, "GBPUSD").permitted
    assert not held.caps(0, "USDJPY").permitted


def test_an_override_ends_when_somebody_ends_it_and_is_approved_once(
    identity: Identity, clock: VirtualClock
) -> None:
    limits = identity.admin.limits
    limits.set({"max_order_volume": "5"}, by="test")

    def asked(value: str) -> str:
        return limits.ask_override(
            "acme", "1001", "max_order_volume", value, reason="why", lasts_ms=HOUR_MS, by="anna"
        ).id

    first, second, third = asked("20"), asked("30"), asked("40")
    limits.approve_override(first, by="bert")
    limits.end_override(first, by="anna")
    assert order_volume(identity) == 5
    limits.end_override(second, by="bert")
    clock.advance(NOW_MS + 24 * HOUR_MS)
    for over in (first, second, third):
        with pytest.raises(OnefillError) as refused:
            limits.approve_override(over, by="bert")
        assert refused.value.code == "OVERRIDE_OVER"
    assert order_volume(identity) == 5


def test_an_override_has_a_reason_an_end_and_a_limit_that_exists(identity: Identity) -> None:
    limits = identity.admin.limits
    for name, reason, lasts_ms, code in (
        ("max_orders", "", HOUR_MS, "TEXT_INVALID"),
        ("max_orders", "why", 0, "OVERRIDE_TOO_LONG"),
        ("max_orders", "why", 8 * 24 * HOUR_MS, "OVERRIDE_TOO_LONG"),
        ("max_order", "why", HOUR_MS, "LIMITS_INVALID"),
    ):
        with pytest.raises(OnefillError) as refused:
            limits.ask_override(
                "acme", "1001", name, "5", reason=reason, lasts_ms=lasts_ms, by="anna"
            )
        assert refused.value.code == code


def test_the_database_itself_refuses_an_override_by_one_person(
    tmp_path: Path, identity: Identity, clock: VirtualClock
) -> None:
    import apsw

    asked = identity.admin.limits.ask_override(
        "acme", "1001", "max_orders", "5", reason="why", lasts_ms=HOUR_MS, by="anna"
    )
    file = apsw.Connection(str(tmp_path / "identity.sqlite"))
    with pytest.raises(apsw.ConstraintError):
        file.execute(
            "UPDATE overrides SET approved_by = 'Anna', approved_ms = 1 WHERE id = ?", (asked.id,)
        )
    file.close()


def values_of(name: str) -> st.SearchStrategy[Value]:
    limit = LIMITS[name]
    if limit.kind is Kind.STATE:
        return st.sampled_from(["normal", "reduce_only", "halted"])
    if limit.kind is Kind.SWITCH:
        return st.booleans()
    if limit.kind is Kind.SYMBOLS:
        names = st.sampled_from(["*", "EURUSD", "GBPUSD", "USDJPY"])
        return st.frozensets(names, max_size=3).map(lambda one: tuple(sorted(one)))
    return st.floats(0, 1e9) | st.just(limit.without)


@st.composite
def three(draw: st.DrawFn) -> tuple[str, Value, Value, Value]:
    name = draw(st.sampled_from(sorted(LIMITS)))
    values = values_of(name)
    return name, draw(values), draw(values), draw(values)


@given(three())
def test_the_tighter_is_at_least_as_tight_as_both_and_the_order_of_levels_does_not_count(
    drawn: tuple[str, Value, Value, Value],
) -> None:
    name, one, two, other = drawn
    for symbol in ("EURUSD", "GBPUSD", "XAUUSD"):
        both = [tightness(name, value, symbol) for value in (one, two)]
        assert tightness(name, tighter(name, one, two), symbol) == max(both)
        assert tightness(name, looser(name, one, two), symbol) == min(both)
        ways = (
            tighter(name, tighter(name, one, two), other),
            tighter(name, one, tighter(name, two, other)),
            tighter(name, tighter(name, other, two), one),
        )
        assert len({tightness(name, way, symbol) for way in ways}) == 1


def test_what_another_process_set_holds_after_a_refresh(
    tmp_path: Path, identity: Identity, clock: VirtualClock
) -> None:
    elsewhere = open_identity(tmp_path, clock)
    try:
        elsewhere.admin.limits.set({"max_order_volume": "3"}, by="test")
    finally:
        elsewhere.close()
    assert identity.directory.refresh()
    assert order_volume(identity) == 3
