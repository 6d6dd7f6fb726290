"""Processor time of the check for leaked names on texts that are made to be slow.

``python -m tests.bench.leak_check``. Each unit is repeated to 50,000, 100,000 and 200,000
characters; the aim is 100 ms for the longest, and twice the time for twice the length.
"""

import time

UNITS = (
    "I am ",
    "I'm a, b, c, d, e, f, g, h, i, google ",
    "as an AI made by the team of google ",
    "i am a-b-c-d'e meta\n-\n",
    "我是",
    "我是旗下的百度",
    "我是模型，百度",
    "作为一个ai百度",
    "i\u200b am ",
    "a b c ",
)
LENGTHS = (50_000, 100_000, 200_000)
NAMES = ("Nova Star 7", "some-model-7b", "Kiki")


def milliseconds(text: str) -> float:
    from arena.voting.leaks import leaked_name

    began = time.process_time()
    leaked_name(text, model_names=NAMES)
    return 1000 * (time.process_time() - began)


def main() -> None:
    milliseconds("I am Kiki googled")  # compiles the patterns
    for unit in UNITS:
        took = [min(milliseconds((unit * length)[:length]) for _ in range(3)) for length in LENGTHS]
        print(" ".join(f"{ms:6.1f} ms" for ms in took), repr(unit))


if __name__ == "__main__":
    main()
