"""Where requests go, from whatever base URL people paste.

====================================================  ==============================================
given                                                 requests go to
====================================================  ==============================================
nothing                                               ``https://api.openai.com/v1/…``
``http://localhost:8000``, ``…:11434``                ``/v1`` is added
``…/v1``, ``…/api/v3``, ``…/v1beta/openai``           as it stands: a version is in the path
``https://openrouter.ai``                             ``https://openrouter.ai/api/v1/…``
``https://dashscope.aliyuncs.com``                    ``/compatible-mode/v1`` is added
``…/chat/completions`` (a full URL)                   exactly there
``https://NAME.openai.azure.com``                     ``/openai/v1/…`` (Azure's versionless API)
the same with ``api_version``                         ``/openai/deployments/MODEL/…?api-version=…``
====================================================  ==============================================
"""

import re
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit, urlunsplit

OPENAI_BASE_URL = "https://api.openai.com/v1"
OPERATIONS = {"chat": "/chat/completions", "completions": "/completions"}
AZURE_HOSTS = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
BASE_PATHS = {
    "openrouter.ai": "/api/v1",
    "dashscope.aliyuncs.com": "/compatible-mode/v1",
    "dashscope-intl.aliyuncs.com": "/compatible-mode/v1",
}
_VERSION = re.compile(r"/v\d+[a-z0-9]*(/|$)")
_OPERATION = re.compile(r"/(chat/completions|completions)$")


def is_azure(base_url: str, api_version: str = "") -> bool:
    """Whether the endpoint wants the ``api-key`` header and deployments instead of models."""
    return bool(api_version) or (urlsplit(base_url).hostname or "").endswith(AZURE_HOSTS)


def operation_url(base_url: str, *, api: str, model: str = "", api_version: str = "") -> str:
    """The URL that chat or text completions are posted to."""
    parts = _split(base_url)
    path = parts.path.rstrip("/")
    if _OPERATION.search(path):
        return _join(parts, path, api_version)
    return _join(parts, _base_path(parts, model, api_version) + OPERATIONS[api], api_version)


def sdk_base_url(base_url: str) -> str:
    """The base URL in the form that OpenAI's own client expects, with the version in it."""
    parts = _split(base_url)
    path = _OPERATION.sub("", parts.path.rstrip("/"))
    return _join(parts, _base_path(parts._replace(path=path), "", ""), "")


def _split(base_url: str) -> SplitResult:
    parts = urlsplit(base_url.strip() or OPENAI_BASE_URL)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(
            f"base URL {parts.scheme}:… has no http:// or https:// and host in front; "
            "write it like http://localhost:8000/v1"
        )
    return parts


def _base_path(parts: SplitResult, model: str, api_version: str) -> str:
    path = parts.path.rstrip("/")
    host = parts.hostname or ""
    if api_version:
        if "/deployments/" in path:
            return path
        prefix = path if path.endswith("/openai") else path + "/openai"
        return f"{prefix}/deployments/{quote(model, safe='')}"
    if _VERSION.search(path):
        return path
    if host.endswith(AZURE_HOSTS):
        return path.removesuffix("/openai") + "/openai/v1"
    if not path:
        return BASE_PATHS.get(host, "/v1")
    return path + "/v1"


def _join(parts: SplitResult, path: str, api_version: str) -> str:
    query = dict(parse_qsl(parts.query))
    if api_version:
        query["api-version"] = api_version
    return urlunsplit((parts.scheme, parts.netloc, path, urlencode(query), ""))
