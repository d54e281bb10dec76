"""A gateway's settings: what cannot be meant is refused before anything is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from onefill.gateway.config import GatewayConfig, load_gateway_config
from onefill.gateway.server import serving
from onefill.model.errors import OnefillError
from onefill.runtime.clock import SystemClock


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[desk]\nlease_ms = -5", "lease_ms is -5"),
        ("[delivery]\nclose_s = nan", "close_s is nan"),
        ("[desk]\nlease = 1", "no setting 'lease'"),
        ("prot = 1", "no setting 'prot'"),
        ("port = 70000", "port 70000"),
        ('host = "0.0.0.0"', "there is no certificate"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(tmp_path: Path, text: str, names: str) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(text)
    with pytest.raises(OnefillError) as refused:
        load_gateway_config(file)
    assert refused.value.code == "GATEWAY_CONFIG_INVALID"
    assert names in refused.value.message


async def test_a_certificate_that_cannot_be_used_is_named_and_nothing_is_made(
    tmp_path: Path,
) -> None:
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    config = GatewayConfig(data=tmp_path / "data", port=0, certificate=certificate, key=key)
    for missing in ("the certificate", "cannot be used"):
        with pytest.raises(OnefillError, match=missing) as refused:
            async with serving(config, SystemClock()):
                raise AssertionError
        assert refused.value.code == "CERTIFICATE_UNUSABLE"
        certificate.write_text("no certificate")
        key.write_text("no key")
    assert not (tmp_path / "data").exists()
