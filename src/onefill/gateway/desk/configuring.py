"""What each account's agent is told to hold to, and whether it said that it does."""

from __future__ import annotations

from onefill.contracts.client_config import ClientConfig, Settlement, encode_client_config
from onefill.contracts.messages import Ack, ConfigUpdate
from onefill.gateway.desk.book import Book
from onefill.gateway.desk.ledger import Ledger
from onefill.gateway.desk.settings import DeskSettings
from onefill.gateway.ports import Directory, Post
from onefill.model.order import OrderState
from onefill.risk.caps import Trading

_PREFIX = "config/"


class Configuring:
    """Versions rise per account; they begin at the clock's, so that they go on rising after a
    restart, and above whatever an agent says it holds to already."""

    def __init__(self, ledger: Ledger, directory: Directory, settings: DeskSettings) -> None:
        self._ledger = ledger
        self._directory = directory
        self._settings = settings
        self._last: dict[str, bytes] = {}
        self.post: Post | None = None

    def configure(self, book: Book, *, anew: bool = False) -> None:
        """Tell the agent what holds now, where that is something new (or it came `anew`)."""
        document = encode_client_config(self._config(book))
        if not anew and self._last.get(book.id) == document:
            return
        self._last[book.id] = document
        book.config_version = max(book.config_version + 1, self._ledger.now_ms())
        if self.post is not None and book.here:
            self.post.tell(book.id, ConfigUpdate(book.config_version, document))

    def settle(self, book: Book, order: OrderState) -> None:
        """Tell the agent what a person decided here about an order that it has in quarantine."""
        book.settled[order.key] = Settlement(
            key=order.key,
            to=order.state,
            by=order.by,
            reason=order.message,
            ticket=order.order_ticket,
        )
        self.configure(book)

    def acknowledged(self, book: Book, ack: Ack) -> bool:
        """Whether it was a configuration that the agent took."""
        version = ack.id.removeprefix(_PREFIX)
        if version == ack.id or not (version.isascii() and version.isdigit() and len(version) < 19):
            return False
        told = int(version)
        if told > book.config_version:
            book.config_version = told
            self.configure(book, anew=True)  # it holds to another gateway's; ours is the newer
        else:
            book.config_acknowledged = max(book.config_acknowledged, told)
            if told == book.config_version:
                book.settled.clear()  # it has heard of them
        return True

    def _config(self, book: Book) -> ClientConfig:
        halts = tuple(
            halt
            for halt in self._directory.halts()
            if halt.tenant in ("", book.tenant) and halt.account in ("", book.name)
        )
        trading = Trading.HALTED
        account = self._directory.account(book.tenant, book.name)
        if account is not None:
            trading = self._directory.limits(account).caps(0, "").trading
        if trading is Trading.NORMAL and book.breach_told:
            trading = Trading.REDUCE_ONLY
        return ClientConfig(
            lease_ms=self._settings.lease_ms,
            halts=halts,
            trading=trading.value,
            settled=tuple(book.settled.values()),
        )
