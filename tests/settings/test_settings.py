"""Reading the settings from the environment."""

from __future__ import annotations

import base64
import ipaddress
from datetime import timedelta
from pathlib import Path

import pytest

from relevo.settings import SETTINGS, Secret, Setting, Settings, SettingsError, load, secret_key, shown

KEY = bytes(range(200, 232))
NO_ENVIRONMENT: dict[str, str] = {}


def problems(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(environ)
    return caught.value.problems


def test_nothing_needs_to_be_set() -> None:
    settings = load(NO_ENVIRONMENT)

    assert settings.data_dir == Path("relevo-data")
    assert settings.database_url.reveal() == "sqlite:///relevo-data/relevo.db"
    assert settings.webhook_timeout == timedelta(seconds=15)
    assert settings.attempt_retention == timedelta(days=30)
    assert (settings.max_body, settings.max_upload) == (1_000_000, 25_000_000)
    assert settings.rate_limit == 36_000
    assert settings.secret_key is None
    assert settings.allowed_networks == settings.trusted_proxies == ()


def test_the_table_and_the_settings_have_the_same_fields() -> None:
    assert sorted(setting.field for setting in SETTINGS) == sorted(Settings.__struct_fields__)


def test_the_database_of_another_data_folder_lies_in_that_folder() -> None:
    assert load({"RELEVO_DATA_DIR": "/srv/data"}).database_url.reveal() == "sqlite:////srv/data/relevo.db"


def test_an_empty_value_counts_as_none() -> None:
    assert load({setting.name: " " for setting in SETTINGS}) == load(NO_ENVIRONMENT)


def test_the_names_of_other_programs_are_none_of_our_business() -> None:
    assert load({"PATH": "/bin", "RELEVOX": "1", "MY_RELEVO_PORT": "1"}) == load(NO_ENVIRONMENT)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("RELEVO_DATABSE_URL", "RELEVO_DATABASE_URL"),
        ("RELEVO_TIMEOUT", "RELEVO_WEBHOOK_TIMEOUT"),
        ("RELEVO_log_level", "RELEVO_LOG_LEVEL"),
        ("RELEVO_X", "RELEVO_"),
    ],
)
def test_an_unknown_name_stops_the_start_and_the_nearest_is_named(name: str, nearest: str) -> None:
    [problem] = problems({name: "1"})

    assert problem.startswith(f"{name} is not a setting of Relevo. Did you mean {nearest}")


def test_all_problems_are_told_at_once() -> None:
    found = problems({"RELEVO_WEBHOOK_TIMEOUT": "soon", "RELEVO_RATE_LIMIT": "-1", "RELEVO_COLOUR": "red"})

    assert [problem.split()[0] for problem in found] == [
        "RELEVO_COLOUR",
        "RELEVO_WEBHOOK_TIMEOUT",
        "RELEVO_RATE_LIMIT",
    ]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("DATABASE_URL", "mysql://localhost/x", "it begins with mysql:// and must begin with sqlite:///"),
        ("DATABASE_URL", "relevo.db", "it must begin with sqlite:///"),
        ("DATABASE_URL", "sqlite://relevo.db", "sqlite:///relative/path"),
        ("PUBLIC_URL", "chat.example.com", "'chat.example.com': it must be a whole address"),
        ("PUBLIC_URL", "ftp://chat.example.com", "whole address"),
        ("PUBLIC_URL", "https://", "whole address"),
        ("PUBLIC_URL", "https://chat.example.com?x=1", "no ?…"),
        ("PUBLIC_URL", "https://me@chat.example.com", "no user name"),
        ("PUBLIC_URL", "https://chat.example.com:99999", "Port out of range"),
        ("SECRET_KEY", "not a key!", "***: it must be hex or base64"),
        ("SECRET_KEY", "abcde", "***: it must be hex or base64"),
        ("SECRET_KEY", KEY[:31].hex(), "***: it has 31 bytes and needs 32"),
        ("ALLOWED_NETWORKS", "10.0.0.0/8, intranet", "'intranet' does not appear to be"),
        ("ALLOWED_NETWORKS", "10.0.0.1/8", "10.0.0.1/8 has host bits set"),
        ("TRUSTED_PROXIES", "10.0.0.0/33", "write networks as 10.1.0.0/16"),
        ("WEBHOOK_TIMEOUT", "15", "'15': it must be a number above 0 with its unit"),
        ("WEBHOOK_TIMEOUT", "0s", "a number above 0"),
        ("WEBHOOK_TIMEOUT", "-1s", "a number above 0"),
        ("ATTEMPT_RETENTION", "9999999d", "a number above 0"),
        ("MAX_BODY", "1.5MB", "a whole number above 0 with its unit"),
        ("MAX_UPLOAD", "0MB", "a whole number above 0"),
        ("RATE_LIMIT", "1e6", "a whole number, 0 or above"),
        ("RATE_LIMIT", "²", "a whole number, 0 or above"),
        ("LOG_LEVEL", "loud", "it must be one of debug, info, warning, error"),
        ("LOG_FORMAT", "xml", "it must be one of auto, console, json"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_would_be_right(
    name: str, text: str, said: str
) -> None:
    [problem] = problems({f"RELEVO_{name}": text})

    assert problem.startswith(f"RELEVO_{name} is ")
    assert said in problem


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("DATABASE_URL", "postgresql://me:pw@db/relevo", Secret("postgresql://me:pw@db/relevo")),
        ("DATABASE_URL", "postgres://db/relevo", Secret("postgresql://db/relevo")),
        ("DATABASE_URL", "sqlite:////var/relevo.db", Secret("sqlite:////var/relevo.db")),
        ("PUBLIC_URL", "https://chat.example.com/", "https://chat.example.com"),
        ("SECRET_KEY", KEY.hex(), Secret(KEY)),
        ("SECRET_KEY", KEY.hex().upper(), Secret(KEY)),
        ("SECRET_KEY", base64.b64encode(KEY).decode(), Secret(KEY)),
        ("SECRET_KEY", base64.urlsafe_b64encode(KEY).decode().rstrip("="), Secret(KEY)),
        (
            "ALLOWED_NETWORKS",
            "10.1.0.0/16, ::1,",
            (ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("::1/128")),
        ),
        ("WEBHOOK_TIMEOUT", "500ms", timedelta(milliseconds=500)),
        ("WEBHOOK_TIMEOUT", "1.5 min", timedelta(seconds=90)),
        ("ATTEMPT_RETENTION", "12h", timedelta(hours=12)),
        ("MAX_BODY", "500kb", 500_000),
        ("RATE_LIMIT", "0", 0),
        ("LOG_LEVEL", "DEBUG", "debug"),
        ("LOG_FORMAT", "json", "json"),
    ],
)
def test_a_value_may_be_written_as_people_write_it(name: str, text: str, value: object) -> None:
    settings = load({f"RELEVO_{name}": text})

    assert getattr(settings, name.lower()) == value


def test_no_secret_is_seen_when_settings_or_problems_are_printed() -> None:
    secrets = {"RELEVO_DATABASE_URL": "postgresql://me:hunter2@db/x", "RELEVO_SECRET_KEY": KEY.hex()}
    settings = load(secrets)

    seen = [repr(settings), f"{settings.database_url}", *(shown(setting, settings) for setting in SETTINGS)]
    seen += problems({"RELEVO_DATABASE_URL": "mysql://me:hunter2@db/x", "RELEVO_SECRET_KEY": "hunter2"})

    assert not [text for text in seen if "hunter2" in text or KEY.hex() in text or repr(KEY) in text]
    assert settings.database_url.reveal() == secrets["RELEVO_DATABASE_URL"]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_secret_setting_holds_a_secret_and_no_other_does(setting: Setting) -> None:
    settings = load({"RELEVO_SECRET_KEY": KEY.hex()})

    assert isinstance(getattr(settings, setting.field), Secret) == setting.secret


def test_a_shown_value_can_be_read_again() -> None:
    written = {
        "RELEVO_ALLOWED_NETWORKS": "10.1.0.0/16, fd00::/8",
        "RELEVO_WEBHOOK_TIMEOUT": "90s",
        "RELEVO_ATTEMPT_RETENTION": "2d",
        "RELEVO_MAX_BODY": "1500B",
        "RELEVO_MAX_UPLOAD": "2GB",
    }
    settings = load(written)

    texts = {setting.name: shown(setting, settings) for setting in SETTINGS if not setting.secret}

    assert texts.items() >= written.items()
    assert load(texts) == settings


def test_the_defaults_are_written_as_they_are_shown() -> None:
    settings = load(NO_ENVIRONMENT)

    for setting in SETTINGS:
        if setting.default and setting.name != "RELEVO_DATA_DIR":  # ./ is for people
            assert shown(setting, settings) == setting.default


def test_a_set_key_is_used_and_no_file_is_made(tmp_path: Path) -> None:
    settings = load({"RELEVO_DATA_DIR": str(tmp_path), "RELEVO_SECRET_KEY": KEY.hex()})

    assert secret_key(settings) == Secret(KEY)
    assert list(tmp_path.iterdir()) == []


def test_the_first_start_makes_a_key_and_the_next_one_finds_it(tmp_path: Path) -> None:
    settings = load({"RELEVO_DATA_DIR": str(tmp_path / "data")})

    made = secret_key(settings)

    assert len(made.reveal()) == 32
    assert secret_key(settings) == made
    assert (tmp_path / "data" / "secret.key").stat().st_mode & 0o777 == 0o600


def test_a_key_file_with_something_else_in_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("\n")

    with pytest.raises(SettingsError, match=r"secret\.key holds no usable key: it has 0 bytes"):
        secret_key(load({"RELEVO_DATA_DIR": str(tmp_path)}))


def test_a_bucket_needs_its_key() -> None:
    with pytest.raises(SettingsError) as refused:
        load({"RELEVO_S3_BUCKET": "acme-relevo/media", "RELEVO_S3_ACCESS_KEY_ID": "AKIA"})

    assert refused.value.problems == ["RELEVO_S3_BUCKET needs RELEVO_S3_SECRET_ACCESS_KEY as well."]


@pytest.mark.parametrize(
    ("name", "value"),
    [("RELEVO_S3_BUCKET", "s3://acme"), ("RELEVO_S3_ENDPOINT", "minio:9000"), ("RELEVO_S3_ADDRESS", "dns")],
)
def test_what_is_no_bucket_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load({name: value})
