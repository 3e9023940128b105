"""Where messages go, as written in `burnline.yaml`: each kind of channel with its own fields (docs/channels.md).

No secret stands in the file. A field that ends in `_env` names the environment variable that holds one; the address of
a webhook is a secret, too, because whoever has it can post.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Discriminator, Field, Tag, field_validator, model_validator

from core.sections import Section

if TYPE_CHECKING:
    from collections.abc import Mapping


def _names_a_variable(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):  # what stands there may be the secret: it is not quoted
        raise ValueError("is not the name of an environment variable; the secret itself never stands in this file")
    return value


Variable = Annotated[str, AfterValidator(_names_a_variable)]
"""The name of an environment variable."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class AnyChannel(Section):
    """What every kind has: `fallback` is the channel that gets a message this one did not take in time."""

    fallback: str = ""

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables whose secrets it needs."""
        return ()


class PostingChannel(AnyChannel):
    """One that posts over https. `allow_private` permits private addresses, `allow_http` http to this machine alone."""

    allow_private: bool = False
    allow_http: bool = False


class ConsoleSettings(AnyChannel):
    """The terminal Burnline runs in."""

    type: Literal["console"]


class FileSettings(AnyChannel):
    """A file that gets one JSON line per message."""

    type: Literal["file"]
    path: str = Field(min_length=1)


class SlackSettings(AnyChannel):
    """One Slack channel through a bot; `base_url` is another address of the API."""

    type: Literal["slack"]
    channel: str = Field(min_length=1)
    token_env: Variable = "SLACK_BOT_TOKEN"  # noqa: S105 - the name of a variable, not its value
    base_url: str = ""

    @field_validator("base_url")
    @classmethod
    def _keeps_the_token_private(cls, value: str) -> str:
        return _address(value)

    @property
    def variables(self) -> tuple[str, ...]:
        """The bot token's."""
        return (self.token_env,)


class SlackWebhookSettings(PostingChannel):
    """One Slack channel through an incoming webhook."""

    type: Literal["slack_webhook"]
    url_env: Variable = "SLACK_WEBHOOK_URL"

    @property
    def variables(self) -> tuple[str, ...]:
        """The address's."""
        return (self.url_env,)


class PagerDutySettings(PostingChannel):
    """One PagerDuty service; `region` is where the account is, `base_url` another address of the API."""

    type: Literal["pagerduty"]
    routing_key_env: Variable = "PAGERDUTY_ROUTING_KEY"
    region: Literal["us", "eu"] = "us"
    base_url: str = ""

    @field_validator("base_url")
    @classmethod
    def _keeps_the_key_private(cls, value: str) -> str:
        return _address(value)

    @property
    def variables(self) -> tuple[str, ...]:
        """The routing key's."""
        return (self.routing_key_env,)


class GoogleChatSettings(PostingChannel):
    """One space of Google Chat."""

    type: Literal["google_chat"]
    url_env: Variable = "GOOGLE_CHAT_WEBHOOK_URL"

    @property
    def variables(self) -> tuple[str, ...]:
        """The address's."""
        return (self.url_env,)


class TeamsSettings(PostingChannel):
    """One channel or chat of Microsoft Teams, through its Workflows app."""

    type: Literal["teams"]
    url_env: Variable = "TEAMS_WEBHOOK_URL"

    @property
    def variables(self) -> tuple[str, ...]:
        """The address's."""
        return (self.url_env,)


class WebhookSettings(PostingChannel):
    """A program of the team's own: signed JSON to `url_env`."""

    type: Literal["webhook"]
    url_env: Variable = "BURNLINE_WEBHOOK_URL"
    secret_env: Variable = "BURNLINE_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable, not its value

    @property
    def variables(self) -> tuple[str, ...]:
        """The address's and the signing secret's."""
        return (self.url_env, self.secret_env)


class AppriseSettings(AnyChannel):
    """A service that Apprise knows and Burnline does not."""

    type: Literal["apprise"]
    url_env: Variable = "APPRISE_URL"

    @property
    def variables(self) -> tuple[str, ...]:
        """The address's."""
        return (self.url_env,)


class EmailSettings(AnyChannel):
    """Mail through an SMTP server. Without a `username` nothing is logged in and no password is needed."""

    type: Literal["email"]
    host: str = Field(min_length=1, pattern=r"^[A-Za-z0-9.:_-]+$")
    port: int | None = Field(None, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password_env: Variable = "SMTP_PASSWORD"  # noqa: S105 - the name of a variable, not its value
    sender: str = Field(alias="from")
    to: tuple[str, ...] = Field(min_length=1)

    @field_validator("to", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("sender", "to")
    @classmethod
    def _are_addresses(cls, value: Any) -> Any:
        for address in (value,) if isinstance(value, str) else value:
            if not re.fullmatch(r"[^@\s<>,;:\"()\[\]\\]+@[^@\s<>,;:\"()\[\]\\]+", address) or not (
                address.isascii() and address.isprintable()
            ):
                raise ValueError(f'"{address}" is no mail address; write it alone, ops@example.com')
        return value

    @model_validator(mode="after")
    def _no_password_in_the_clear(self) -> EmailSettings:
        if self.username and self.security == "none" and self.host not in _LOOPBACK:
            raise ValueError("a password is sent over TLS only; write security: starttls, or leave the username out")
        return self

    @property
    def smtp_port(self) -> int:
        """The port, by `security` when none is written."""
        return self.port or {"starttls": 587, "tls": 465, "none": 25}[self.security]

    @property
    def variables(self) -> tuple[str, ...]:
        """The password's, when one is needed."""
        return (self.password_env,) if self.username else ()


CHANNEL_TYPES: Mapping[str, type[AnyChannel]] = {
    "slack": SlackSettings,
    "slack_webhook": SlackWebhookSettings,
    "pagerduty": PagerDutySettings,
    "google_chat": GoogleChatSettings,
    "teams": TeamsSettings,
    "email": EmailSettings,
    "webhook": WebhookSettings,
    "apprise": AppriseSettings,
    "file": FileSettings,
    "console": ConsoleSettings,
}
"""The fields of each kind."""


def channel_type(found: Any) -> str | None:
    """The kind a channel is, or is meant to be when its name is misspelt: so that its other faults are found, too."""
    written = found.get("type") if isinstance(found, dict) else getattr(found, "type", None)
    near = difflib.get_close_matches(str(written), CHANNEL_TYPES, 1, 0.6)
    return near[0] if near else None


ChannelSettings = Annotated[
    Annotated[SlackSettings, Tag("slack")]
    | Annotated[SlackWebhookSettings, Tag("slack_webhook")]
    | Annotated[PagerDutySettings, Tag("pagerduty")]
    | Annotated[GoogleChatSettings, Tag("google_chat")]
    | Annotated[TeamsSettings, Tag("teams")]
    | Annotated[EmailSettings, Tag("email")]
    | Annotated[WebhookSettings, Tag("webhook")]
    | Annotated[AppriseSettings, Tag("apprise")]
    | Annotated[FileSettings, Tag("file")]
    | Annotated[ConsoleSettings, Tag("console")],
    Discriminator(
        channel_type,
        custom_error_type="channel_type",
        custom_error_message=f'needs a "type": one of {", ".join(CHANNEL_TYPES)}',
    ),
]
"""One channel, of the kind its `type` says."""


def fallback_fault(name: str, channels: Mapping[str, AnyChannel]) -> str | None:
    """What is wrong with the channel's fallback: it does not exist, or the way leads back."""
    way = [name]
    while following := channels[way[-1]].fallback:
        if following not in channels:
            near = difflib.get_close_matches(following, channels, 1, 0.5)
            hint = f'did you mean "{near[0]}"?' if near else f"configured: {', '.join(sorted(channels))}"
            return f'no channel "{following}" to fall back to; {hint}' if len(way) == 1 else None
        if following in way:
            return f"the fallbacks lead back: {' -> '.join([*way, following])}" if following == name else None
        way.append(following)
    return None


def _address(value: str) -> str:
    """An address secrets may be sent to; ValueError for one that would send them in the clear."""
    parts = urlsplit(value)
    local = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if value and (not parts.hostname or not (parts.scheme == "https" or local) or "@" in parts.netloc):
        raise ValueError("a secret is sent there: it begins with https://, and no user name stands in it")
    return value
