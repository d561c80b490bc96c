"""Signs in for schemathesis, and keeps it to the tenant that it is signed in to."""

import json
import os
import urllib.error
import urllib.request

import schemathesis

BASE = os.environ["CLOISTER_BASE"]
EMAIL = os.environ.get("CLOISTER_EMAIL")
PASSWORD = os.environ.get("CLOISTER_PASSWORD")

# What takes the token's power away when it succeeds.
ENDS_SESSIONS = {"session_sign_out", "session_end", "session_end_others", "password_change"}

# The token of now; none when a new one is due.
token = {"value": None}


def sign_in():
    body = json.dumps({"email": EMAIL, "password": PASSWORD}).encode()
    request = urllib.request.Request(
        f"{BASE}/api/v1/sessions", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["access_token"]
    except urllib.error.HTTPError as refused:
        raise RuntimeError(f"{EMAIL} cannot sign in: {refused.read().decode()}") from refused


@schemathesis.hook
def before_call(context, case, kwargs):
    # The address names the tenant. Another name beside it is refused before anything else is looked at.
    for name in [name for name in case.headers or {} if name.lower() == "x-tenant-id"]:
        del case.headers[name]


@schemathesis.hook
def after_call(context, case, response):
    if case.operation.definition.raw.get("operationId") in ENDS_SESSIONS:
        token["value"] = None


def as_it_is(context, value):
    # No package, paper or picture at all is as much as can be made up.
    return value if isinstance(value, bytes) else json.dumps(value).encode()


for kind in (
    "application/zip",
    "application/pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet",
    "image/jpeg",
    "image/png",
    "image/webp",
):
    schemathesis.serializer(kind)(as_it_is)


if EMAIL:

    @schemathesis.auth(refresh_interval=None)
    class SignedIn:
        """Somebody who is signed in, with a token that is still good."""

        def get(self, case, context):
            token["value"] = token["value"] or sign_in()
            return token["value"]

        def set(self, case, data, context):
            case.headers = case.headers or {}
            case.headers["Authorization"] = f"Bearer {data}"
