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


def humaneval_rows():
    return [
        {"task_id": f"HumanEval/{i}", "entry_point": name,
         "prompt": f'{HELPERS.get(name, "")}def {name}({arguments}):\n    """Do it."""\n',
         "canonical_solution": f"    {body}\n",
         "test": f"def check(candidate):\n    {indented(check)}\n"}
        for i, (name, arguments, body, check) in enumerate(PROBLEMS)
    ]  # fmt: skip


def mbpp_rows():
    """All but those with helpers, which MBPP does not have."""
    return [
        {"task_id": 11 + i, "text": f"Write a function {name}.",
         "code": f"def {name}({arguments}):\n    {body}", "test_setup_code": "",
         "test_list": [check.replace("candidate", name)],
         "challenge_test_list": []}
        for i, (name, arguments, body, check) in enumerate(PROBLEMS)
        if name not in HELPERS
    ]  # fmt: skip
