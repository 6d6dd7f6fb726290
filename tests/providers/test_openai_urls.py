import pytest

from providers.openai_urls import is_azure, operation_url, sdk_base_url


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com", "https://api.openai.com/v1/chat/completions"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1/chat/completions"),
        ("http://localhost:8000", "http://localhost:8000/v1/chat/completions"),
        ("http://localhost:11434/v1", "http://localhost:11434/v1/chat/completions"),
        ("https://api.deepseek.com", "https://api.deepseek.com/v1/chat/completions"),
        ("https://openrouter.ai", "https://openrouter.ai/api/v1/chat/completions"),
        ("https://openrouter.ai/api", "https://openrouter.ai/api/v1/chat/completions"),
        ("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1/chat/completions"),
        (
            "https://dashscope.aliyuncs.com",
            "https://dashscope.aliyuncs.com/compatible-mode/v1/chat/completions",
        ),
        (
            "https://dashscope.aliyuncs.com/compatible-mode/v1",
            "https://dashscope.aliyuncs.com/compatible-mode/v1/chat/completions",
        ),
        (
            "https://open.bigmodel.cn/api/paas/v4",
            "https://open.bigmodel.cn/api/paas/v4/chat/completions",
        ),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai/",
            "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
        ),
        ("https://gateway/llm", "https://gateway/llm/v1/chat/completions"),
        ("https://gateway/chat/completions", "https://gateway/chat/completions"),
        ("https://gateway/v1?tenant=a", "https://gateway/v1/chat/completions?tenant=a"),
        (
            "https://me.openai.azure.com",
            "https://me.openai.azure.com/openai/v1/chat/completions",
        ),
        (
            "https://me.openai.azure.com/openai/v1/",
            "https://me.openai.azure.com/openai/v1/chat/completions",
        ),
    ],
)
def test_any_usual_base_url_leads_to_the_chat_endpoint(given, expected):
    assert operation_url(given, api="chat") == expected


@pytest.mark.parametrize(
    "given",
    [
        "https://me.openai.azure.com",
        "https://me.openai.azure.com/openai/",
        "https://me.openai.azure.com/openai/deployments/gpt%204",
    ],
)
def test_azure_addresses_a_deployment_and_a_version(given):
    url = operation_url(given, api="chat", model="gpt 4", api_version="2024-10-21")
    assert url == (
        "https://me.openai.azure.com/openai/deployments/gpt%204/chat/completions"
        "?api-version=2024-10-21"
    )


def test_text_completions_have_their_own_path():
    assert operation_url("http://h:1", api="completions") == "http://h:1/v1/completions"


@pytest.mark.parametrize("given", ["localhost:8000", "ftp://h/v1", "http://"])
def test_a_url_without_scheme_or_host_is_refused_with_an_example(given):
    with pytest.raises(ValueError, match="write it like http://localhost:8000/v1"):
        operation_url(given, api="chat")


def test_a_refused_url_does_not_show_the_password_in_it():
    with pytest.raises(ValueError) as caught:
        operation_url("ftp://me:hunter2@host", api="chat")
    assert "hunter2" not in str(caught.value)


def test_azure_is_known_by_its_host_or_by_a_version():
    assert is_azure("https://me.openai.azure.com/openai/v1")
    assert is_azure("https://proxy/azure", api_version="2024-10-21")
    assert not is_azure("https://api.openai.com/v1")


def test_the_sdk_gets_the_same_base_without_the_operation():
    assert sdk_base_url("http://h:1") == "http://h:1/v1"
    assert sdk_base_url("http://h:1/v1/chat/completions") == "http://h:1/v1"
