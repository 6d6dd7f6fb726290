"""Personal data is found in texts, and ordinary text left alone."""

import pytest

from arena.voting.personal_data import find_personal_data, remove_personal_data


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Write to alice.smith+x@mail.example.org today", "email"),
        ("Call +44 20 7946 0958 now", "phone"),
        ("My number is (212) 736-5000.", "phone"),
        ("我的电话是13812345678，谢谢", "phone"),
        ("The server at 93.184.216.34 is down", "network_address"),
        ("2001:db8:85a3::8a2e:370:7334 answered", "network_address"),
        ("Send it to 1600 Pennsylvania Avenue NW, Washington, DC 20500", "postal_address"),
        ("She lives at 221B Baker Street, London NW1 6XE.", "postal_address"),
        ("寄到北京市海淀区中关村南大街5号", "postal_address"),
        ("350 Fifth Avenue, 34th floor, New York, NY 10118-3299", "postal_address"),
        ("225 E. John Carpenter Freeway, Suite 1500 Irving, Texas 75062", "postal_address"),
        ("Write to PO Box 1234, Springfield, IL 62704", "postal_address"),
        ("Ich wohne in der Musterstraße 12a, 10115 Berlin.", "postal_address"),
        ("J'habite au 12 rue de Rivoli, 75001 Paris.", "postal_address"),
    ],
)
def test_personal_data_is_found_and_replaced(text, kind):
    clean, found = remove_personal_data(text)
    assert found[kind] == 1
    assert f"[{kind}]" in clean


@pytest.mark.parametrize(
    "text",
    [
        "Pi is 3.14159265358979 and e is 2.718281828.",
        "In 1945 there were 2,345,678 of them.",
        "Use python 3.11.7 or 3.12; bind to 127.0.0.1.",
        "def f(a, b): return a @ b",
        "The ratio 1:2:3 and the time 12:30:45.",
        "2 + 2 = 4, 10^9 + 7 = 1000000007",
        "北京市是中国的首都。",
        "There were 12 people in the street and 3 ways to go.",
        "Take 3 steps down Main Street, then 100 m left.",
        "Version 2 of the Close button; 5 Place holders.",
    ],
)
def test_ordinary_text_is_left_alone(text):
    assert find_personal_data(text) == []


@pytest.mark.parametrize(
    "address",
    [
        "1600 Pennsylvania Avenue NW, Washington, DC 20500",
        "10 Downing Street, London SW1A 2AA",
        "1 Infinite Loop, Cupertino, CA 95014",
    ],
)
def test_an_address_goes_to_its_last_character(address):
    assert remove_personal_data(f"To {address}, please.")[0] == "To [postal_address], please."
