"""Every denial of a gateway has a code, a control and a sentence."""

import string

from onefill.risk.at_gateway_reasons import GATEWAY_REASONS, GatewayCode, refuse
from onefill.risk.reasons import DenialCode


def test_every_code_has_one_reason_and_none_is_the_engines() -> None:
    assert set(GATEWAY_REASONS) == set(GatewayCode)
    assert not set(GatewayCode.__members__) & set(DenialCode.__members__)


def test_a_sentence_is_filled_in_with_what_it_names() -> None:
    for code, reason in GATEWAY_REASONS.items():
        fields = {name for _, name, _, _ in string.Formatter().parse(reason.sentence) if name}
        denial = refuse(code, **{field: f"<{field}>" for field in fields})
        assert denial.code == code
        assert all(f"<{field}>" in denial.message for field in fields)
