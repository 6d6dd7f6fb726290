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
        ("IP:203.0.113.7 was refused", "network_address"),
        ("::ffff:203.0.113.7 was refused", "network_address"),
        ("拨打8613812345678联系我", "phone"),
        ("寄到北京市海淀区中关村南大街5号", "postal_address"),
        ("海淀区中关村大街27号", "postal_address"),
        ("上海市徐汇区漕溪路123弄5号602室", "postal_address"),
        ("我住人民路12号", "postal_address"),
        ("新北市板橋區文化路一段188巷12號5樓", "postal_address"),
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
        "当前版本:1.2.3.4；version:1.2.3.4",
        "坐地铁10号线，沿高速路3号线走",
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


# a text, and what of it must not be left
PERSONAL = (
    ("Mail me at john.doe@example.com please", "john.doe@example.com"),
    ("john (at) example (dot) com", "john (at) example"),
    ("JOHN_DOE+tag@mail.example.co.uk", "example.co.uk"),
    ("联系邮箱：zhang.san@qq.com。", "zhang.san@qq.com"),
    ("邮箱zhangsan@163.com电话", "zhangsan@163.com"),
    ("o'brien@example.com", "brien@example.com"),
    ("mailto:a.b@sub.example.org", "a.b@sub"),
    ("user@xn--fsq.com", "user@xn"),
    ("Call 415-555-0132 now", "555-0132"),
    ("(415) 555-0132", "555-0132"),
    ("+1 415 555 2671", "555 2671"),
    ("+14155552671", "4155552671"),
    ("+44 20 7946 0958", "7946"),
    ("020 7946 0958", "7946"),
    ("+49 30 901820", "901820"),
    ("+33 1 42 68 53 00", "42 68"),
    ("06 12 34 56 78", "12 34 56"),
    ("+91 98765 43210", "98765"),
    ("+81 3-3224-5000", "3224"),
    ("+86 138 1234 5678", "1234 5678"),
    ("13812345678", "13812345678"),
    ("手机：138-1234-5678", "1234-5678"),
    ("手机138 1234 5678", "1234 5678"),
    ("电话：010-62770334", "62770334"),
    ("电话(010)62770334", "62770334"),
    ("座机 0571-88157988 转 801", "88157988"),
    ("+852 2525 5252", "2525"),
    ("+65 6123 4567", "6123"),
    ("+61 2 9374 4000", "9374"),
    ("+7 495 123-45-67", "123-45"),
    ("+55 11 91234-5678", "91234"),
    ("+971 4 123 4567", "123 4567"),
    ("+82 2-312-3456", "312-3456"),
    ("我的号码是一三八一二三四五六七八", "一三八一二三四"),
    ("１３８１２３４５６７８", "１３８１２３"),
    ("电话13812345678,谢谢", "13812345678"),
    ("tel:+8613812345678", "13812345678"),
    ("0086 13812345678", "13812345678"),
    ("WhatsApp +34 612 345 678", "612 345"),
    ("4155550132 is my cell", "4155550132"),
    ("身份证号11010519491231002X", "11010519491231002X"),
    ("身份证：440524188001010014", "440524188001010014"),
    ("My SSN is 078-05-1120", "078-05-1120"),
    ("SSN: 219-09-9999", "219-09-9999"),
    ("Visa 4111 1111 1111 1111", "1111 1111"),
    ("card 4111111111111111", "4111111111111111"),
    ("银行卡号6222021234567890128", "6222021234567890128"),
    ("卡号 6228 4804 0256 4890 018", "4804 0256"),
    ("IBAN DE89 3704 0044 0532 0130 00", "3704 0044"),
    ("GB82WEST12345698765432", "WEST12345698765432"),
    ("Amex 3782 822463 10005", "822463"),
    ("my server 203.0.113.77", "203.0.113.77"),
    ("ip 2001:db8::ff00:42:8329", "ff00:42"),
    ("[2001:db8::1]:443", "2001:db8::1"),
    ("10.0.0.5:8080", "10.0.0.5"),
    ("IP地址203.0.113.9", "203.0.113.9"),
    ("192.168.1.12,", "192.168.1.12"),
    ("I live at 1600 Pennsylvania Avenue NW, Washington, DC 20500", "1600 Pennsylvania"),
    ("221B Baker Street, London NW1 6XE", "221B Baker"),
    ("住在北京市海淀区中关村大街27号", "中关村大街27号"),
    ("上海市浦东新区世纪大道100号2301室", "世纪大道100号"),
    ("地址：广东省深圳市南山区科技园路12号5栋302", "科技园路12号"),
    ("Unter den Linden 77, 10117 Berlin", "Linden 77"),
    ("12 rue de Rivoli, 75001 Paris", "12 rue"),
    ("Musterstraße 12, 80331 München", "Musterstraße 12"),
    ("P.O. Box 1234, Springfield, IL 62701", "1234"),
    ("杭州西湖区文三路 478 号", "文三路"),
    ("北京海淀区清华园1号", "清华园1号"),
    ("护照号 E12345678", "E12345678"),
    ("Passport No. E12345678", "E12345678"),
    ("微信号: zhangsan_1990", "zhangsan_1990"),
    ("QQ：123456789", "123456789"),
    ("车牌京A12345", "京A12345"),
)
IMPERSONAL = (
    "The year 1998 was good, and 2003-2008 too.",
    "pi is 3.14159265358979",
    "0.1 + 0.2 = 0.30000000000000004",
    "version 1.2.3.4 of the tool... 10.15.7",
    "Call f(x) at 12:30:45",
    "The population is 1,425,671,352.",
    "ISBN 978-3-16-148410-0",
    "SHA 3f786850e387550fdab836ed7e6dc881de23001b",
    "2024-01-15 10:30:00",
    "10 20 30 40 50 60 70",
    "1 2 3 4 5 6 7 8 9 10",
    "5 + 7 = 12, 100 - 50 = 50",
    "array = [100, 200, 300, 400, 500]",
    "arXiv:2403.04132",
    "UUID 123e4567-e89b-12d3-a456-426614174000",
    "127.0.0.1:8000 and ::1",
    "0.0.0.0",
    "date 20240115",
    "圆周率是3.1415926535",
    "公元1949年10月1日",
    "第123456号文件",
    "人口14亿1178万",
    "2023年GDP为1260582亿元",
    "@decorator def f",
    "x@y",
    "The 100 Main points Street food",
    "I walked 5 miles down the road",
    "Room 101",
    "In 1066 William won.",
    "std::vector<int> a::b",
    "Route 66 is a Highway",
    "sum(1000000007)",
    "MOD = 998244353",
    "The number 1234567890123456 is large",
    "factorial: 2432902008176640000",
    "6.02214076e23",
    "MAC 00:1A:2B:3C:4D:5E",
    "The ratio 16:9 or 4:3",
    "1600x1200",
    "GPT-4-1106-preview",
    "phone model 3310-2000",
    "ISO 8601-1:2019",
    "RFC 2616 2817 3986",
    "3 1/2 cups 250 ml 350 F",
    "10,000,000 people",
    "1-2-3-4-5-6-7-8",
    "0x7fffffff 4294967295",
    "Mersenne 2147483647",
    "t=1700000000",
    "1010101010101010",
    "42 42 42 42",
    "Einstein 1879-1955 and Bohr 1885-1962",
    "2^31 - 1 = 2147483647",
    "圆的面积为 78.53981633974483",
    "10 the Great Wall Place",
    "第十三届全国人民代表大会第一次会议2018年3月",
    "1 100 010 011",
    "p < 0.00001234567",
    "abc@def.ghi() in matlab",
    "print(a[1234567])",
    "WeChat payments and QQ music are popular.",
    "passport control opens at 9",
)


@pytest.mark.parametrize(("text", "secret"), PERSONAL)
def test_nothing_is_left_of_what_tells_who_somebody_is(text, secret):
    for around in ("{}", "Hello, {}\nThanks", "你好{}谢谢"):
        assert secret not in remove_personal_data(around.format(text))[0]


@pytest.mark.parametrize("text", IMPERSONAL)
def test_figures_code_and_dates_are_nobodys(text):
    assert remove_personal_data(text)[0] == text


def test_a_wrong_check_digit_makes_it_an_ordinary_number():
    for number in ("110105194912310021", "4111111111111112", "DE89370400440532013001"):
        assert find_personal_data(f"The value {number} came out.") == []


def test_full_width_digits_are_digits_and_keep_their_place():
    assert remove_personal_data("打１３８１２３４５６７８吧")[0] == "打[phone]吧"
