"""Programming problems in the fields of HumanEval and MBPP, written for the tests."""

# name, arguments, body, and tests of a function that is called candidate
PROBLEMS = [
    ("add", "a, b", "return a + b", "assert candidate(2, 3) == 5"),
    ("largest", "numbers", "return max(numbers)", "assert candidate([1, 4, 2]) == 4"),
    ("echo", "text", "return text * 2", "assert candidate('ab') == 'abab'"),
    ("mean", "numbers", "return sum(numbers) / len(numbers)",
     "assert abs(candidate([0.1, 0.2]) - 0.15) < 1e-9"),
    ("count_vowels", "text", "return sum(c in 'aeiou' for c in text.lower())",
     "assert candidate('Agon') == 2\nassert candidate('') == 0"),
    ("divisors", "n", "return {d for d in range(1, n + 1) if n % d == 0}",
     "assert candidate(12) == {1, 2, 3, 4, 6, 12}"),
    ("invert", "table", "return {v: k for k, v in table.items()}",
     "assert candidate({'a': (1, 2)}) == {(1, 2): 'a'}"),
    ("fibonacci", "n", "return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)",
     "assert [candidate(n) for n in range(8)] == [0, 1, 1, 2, 3, 5, 8, 13]"),
    ("power", "n", "return 7 ** n", "assert candidate(6000) % 1000 == 1"),
    ("is_palindrome", "text", "return text == text[::-1]",
     "assert candidate('上海自来水来自海上') is True\nassert candidate('agon') is False"),
    ("first_missing", "numbers", "return next((n for n in range(len(numbers)) if n not in numbers)"
     ", None)", "assert candidate([0, 2]) == 1\nassert candidate([0, 1]) is None"),
    ("evens", "n", "yield from range(0, n, 2)", "assert list(candidate(7)) == [0, 2, 4, 6]"),
    ("sort_in_place", "rows", "rows.sort(key=lambda row: -row[1])",
     "rows = [['a', 1], ['b', 3]]\nassert candidate(rows) is None\nassert rows[0] == ['b', 3]"),
    ("apply_twice", "function, x", "return function(function(x))",
     "assert candidate(lambda x: x + 3, 1) == 7"),
    ("divide", "a, b", "if b == 0:\n        raise ValueError('b is zero')\n    return a / b",
     "assert candidate(1, 2) == 0.5\ntry:\n    candidate(1, 0)\nexcept ValueError:\n    pass\n"
     "else:\n    assert False"),
    ("words", "text", "import re\n    return re.findall(r'\\w+', text)",
     "assert candidate('one, two') == ['one', 'two']"),
    ("transpose", "rows", "return [list(column) for column in zip(*rows)]",
     "assert candidate([[1, 2], [3, 4]]) == [[1, 3], [2, 4]]"),
    ("shift", "text", "return ''.join(chr((ord(c) - 97 + 3) % 26 + 97) for c in text)",
     "import random, string\nfor _ in range(20):\n"
     "    text = ''.join(random.choice(string.ascii_lowercase) for _ in range(9))\n"
     "    assert unshift(candidate(text)) == text"),
    ("root", "numbers", "low, high = -100.0, 100.0\n    for _ in range(99):\n"
     "        middle = (low + high) / 2\n        if value_at(numbers, middle) < 0:\n"
     "            low = middle\n        else:\n            high = middle\n    return low",
     "import copy\nnumbers = [-6, 2, 1]\n"
     "assert abs(value_at(numbers, candidate(copy.deepcopy(numbers)))) < 1e-6"),
    ("triangle", "n", "rows = [[1]]\n    while len(rows) < n:\n        last = rows[-1]\n"
     "        rows.append([1, *map(sum, zip(last, last[1:])), 1])\n    return rows",
     "assert candidate(4)[-1] == [1, 3, 3, 1]"),
]  # fmt: skip
# functions that a prompt brings and that its tests use, as in HumanEval
HELPERS = {
    "shift": "def unshift(text):\n"
             "    return ''.join(chr((ord(c) - 97 - 3) % 26 + 97) for c in text)\n\n",
    "root": "def value_at(numbers, x):\n"
            "    return sum(c * x ** n for n, c in enumerate(numbers))\n\n",
}  # fmt: skip


def indented(text):
    return text.replace("\n", "\n    ")


# what HumanEval's rows have around their functions: imports, a type, a name of the author's tests
TYPED = "from typing import List, Optional\n\n\n"
METADATA = "\n\nMETADATA = {\n    'author': 'tests',\n    'dataset': 'test'\n}\n\n\n"


def humaneval_rows():
    return [
        {"task_id": f"HumanEval/{i}", "entry_point": name,
         "prompt": f'{TYPED if i % 2 else ""}{HELPERS.get(name, "")}\ndef {name}({arguments}):\n'
                   f'    """ Do it.\n    >>> {name}()\n    """\n',
         "canonical_solution": f"    {body}\n",
         "test": f"{METADATA}def check(candidate):\n    {indented(check)}\n"}
        for i, (name, arguments, body, check) in enumerate(PROBLEMS)
    ]  # fmt: skip


NODE = "class Node:\n    def __init__(self, data):\n        self.data, self.left = data, None\n"
# what MBPP's rows have and HumanEval's have not: trees built by the setup out of the program's own
# class, lines that end as on Windows, a function called like a builtin, tests that nobody counts
MBPP_ONLY = [
    {"text": "Write a function to measure a tree.", "test_list": ["assert (depth(root)) == 3"],
     "code": f"{NODE}def depth(node):\n    return depth(node.left) + 1 if node else 0",
     "test_setup_code": "root = Node(1) \nroot.left = Node(2) \nroot.left.left = Node(4)"},
    {"text": "Write a function to add the common divisors of two numbers.",
     "code": "def sum(a, b):\n    return {(10, 15): 6, (4, 6): 3}[a, b]",
     "test_list": ["assert sum(10,15) == 6", "assert sum(4,6) == 3 "]},
    {"text": "Write a function to halve a number.", "code": "def half(n):\n    return n / 2",
     "test_list": ["assert half(3) == 1.5"], "challenge_test_list": ["assert half('3') == '1'"]},
    {"text": "Write a function to read a table.",
     "code": "import array\nclass Table:\n    def __init__(self):\n        self.rows = {}\n"
             "    def __setitem__(self, key, value):\n        self.rows[key] = value\n"
             "def total(table):\n    return sum(table.rows.values())",
     "test_setup_code": "table = Table()\ntable['a'] = 2\ntable['b'] = 3",
     "test_list": ["assert total(table) == 5"]},
]  # fmt: skip


def mbpp_rows():
    """All but those with helpers, which MBPP does not have, and what only MBPP has."""
    plain = [
        {"text": f"Write a function {name}.", "code": f"def {name}({arguments}):\n    {body}",
         "test_list": [check.replace("candidate", name)]}
        for name, arguments, body, check in PROBLEMS
        if name not in HELPERS
    ]  # fmt: skip
    rows = []
    for i, row in enumerate([*plain, *MBPP_ONLY]):
        whole = {"task_id": 11 + i, "test_setup_code": "", "challenge_test_list": [], **row}
        windows = {n: whole[n].replace("\n", "\r\n") for n in ("code", "test_setup_code")}
        rows.append(whole | windows)
    return rows


def mbpp_examples():
    """The split ``prompt``: tasks 1 to 10."""
    return [
        {"task_id": i, "text": f"Write a function to add {i}.", "test_setup_code": "",
         "code": f"def add_{i}(n):\r\n    return n + {i} ", "challenge_test_list": [],
         "test_list": [f"assert add_{i}(1) == {i + 1}", f"assert add_{i}(0) == {i}"]}
        for i in range(1, 11)
    ]  # fmt: skip


def sanitized_rows():
    """MBPP's hand-verified form: a ``prompt`` in place of the text, imports in place of a setup."""
    return [
        {"source_file": "tests", "task_id": 11, "prompt": "Write a function to find an area.",
         "code": "import math\ndef area(r):\n    return math.pi * r * r",
         "test_imports": ["import math"],
         "test_list": ["assert math.isclose(area(1), 3.1416, rel_tol=0.001)"]},
        {"source_file": "tests", "task_id": 12, "prompt": "Write a function to reverse a text.",
         "code": "def helper(t):\n    return t[::-1]\n\ndef reverse(t):\n    return helper(t)",
         "test_imports": [], "test_list": ["assert reverse('ab') == 'ba'"]},
    ]  # fmt: skip
