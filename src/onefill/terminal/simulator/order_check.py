"""What `order_check` answers: whether a request would be taken now, and what the account would look
like afterwards. Nothing is changed and nothing recorded."""

from __future__ import annotations

from onefill.model.resolved import BrokerRequest
from onefill.terminal.port import CheckResult
from onefill.terminal.simulator.account import Account
from onefill.terminal.simulator.answers import Opening, Refusal
from onefill.terminal.simulator.profile import Profile
from onefill.terminal.simulator.requests import planned
from onefill.terminal.simulator.retcodes import COMMENTS, NO_MONEY


def check_request(account: Account, profile: Profile, request: BrokerRequest) -> CheckResult:
    """Every refusal that `order_send` would give. A request that would be taken, and one for which
    only the money is missing, tell the account's figures with the margin that they would bind."""
    try:
        plan = planned(account, profile, request)
    except Refusal as no:
        if no.retcode != NO_MONEY:
            return CheckResult(retcode=no.retcode, comment=COMMENTS[no.retcode])
        return _figures(account, no.retcode, COMMENTS[no.retcode], no.opening)
    return _figures(account, 0, "Done", plan.opening)


def _figures(account: Account, retcode: int, comment: str, opening: Opening | None) -> CheckResult:
    """Margin is the total with what the request opens; what that would hedge is not taken off."""
    equity, margin = account.equity(), account.margin()
    if opening is not None:
        valuation = opening.listed.valuation
        rate = valuation.margin_rate(opening.sign)
        margin += valuation.margin(opening.sign, opening.volume_e8, (opening.price, 1), rate)
    return CheckResult(
        retcode=retcode,
        balance=account.money(account.ledger.balance_minor),
        equity=account.money(equity),
        profit=account.money(account.floating()),
        margin=account.money(margin),
        margin_free=account.money(equity - margin),
        margin_level=equity / margin * 100 if margin else 0.0,
        comment=comment,
    )
