"""What a terminals file says for an agent."""

from __future__ import annotations

from pathlib import Path

import pytest

from onefill.channels.local.terminals_file import Terminals, load_terminals
from onefill.model.errors import OnefillError

SESSION = '[sessions.main]\nlogin = 7\nterminal_path = "simulated:default"\n'


def loaded(home: Path, text: str) -> Terminals:
    file = home / "terminals.toml"
    file.write_text(SESSION + text)
    return load_terminals(file)


def test_the_holders_own_limits_and_preferences(tmp_path: Path) -> None:
    one = loaded(
        tmp_path,
        '[profile]\nbroker = "B"\nmax_daily_loss = 250\nconservative_mode = true\n'
        "[agent]\ncancel_after_disconnect_s = 30\n",
    )
    assert (one.broker, one.risk.max_daily_loss) == ("B", 250.0)
    assert one.preferences.conservative_mode
    assert one.cancel_after_disconnect_s == 30.0


def test_what_a_close_all_means(tmp_path: Path) -> None:
    plain = loaded(tmp_path, "")
    assert (plain.close_all_manual, plain.close_all_pending) == (False, False)
    told = loaded(tmp_path, '[agent]\nclose_all = "all"\nclose_all_pending = true\n')
    assert (told.close_all_manual, told.close_all_pending) == (True, True)


def test_without_them_nothing_is_set(tmp_path: Path) -> None:
    one = loaded(tmp_path, "")
    assert (one.broker, one.risk.max_drawdown, one.cancel_after_disconnect_s) == ("", 0.0, 0.0)


@pytest.mark.parametrize(
    "text",
    ["[profile]\nmax_drawdown = 10\n", "[profile]\nmax_loss = 1\n", "[agent]\nx = 1\n",
     "[agent]\ncancel_after_disconnect_s = -1\n", "[profile]\nmax_open_positions = -1\n",
     '[agent]\nclose_all = "mine"\n'],
)  # fmt: skip
def test_what_cannot_be_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(OnefillError) as refused:
        loaded(tmp_path, text)
    assert refused.value.code == "TERMINALS_INVALID"
