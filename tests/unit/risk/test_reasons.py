"""Every denial has a code, a control, a sentence, and a name in the published engine."""

import string

from onefill.risk.reasons import REASONS, DenialCode, deny, reasons_table
from onefill.risk.review import CONTROLS

#: `ExecutionConfirmation.rejection_reason` in the published contract.
PUBLISHED = """
    market_closed insufficient_liquidity spread_too_wide broker_rejection margin_insufficient
    trading_halted symbol_not_tradable network_error order_timeout validation_failed
    slippage_exceeded insufficient_fill stale_tick spread_widened margin_depleted
    correlation_breach unknown
"""


def test_every_code_has_one_reason_with_a_published_name() -> None:
    assert set(REASONS) == set(DenialCode)
    assert {reason.published for reason in REASONS.values()} <= set(PUBLISHED.split())
    numbers = {str(control.number) for control in CONTROLS} | {"every", "stage 1"}
    told = {part for reason in REASONS.values() for part in reason.control.split(", ")}
    assert told == numbers


def test_a_denials_sentence_is_filled_in_with_what_it_names() -> None:
    for code, reason in REASONS.items():
        fields = {name for _, name, _, _ in string.Formatter().parse(reason.sentence) if name}
        denial = deny(code, **{field: f"<{field}>" for field in fields})
        assert denial.code == code
        assert type(denial.code) is str
        assert all(f"<{field}>" in denial.message for field in fields)


def test_the_table_for_the_documentation_has_a_row_for_each_code() -> None:
    rows = reasons_table().splitlines()
    assert len(rows) == 2 + len(REASONS)
    assert all(row.count("|") == 5 for row in rows)
