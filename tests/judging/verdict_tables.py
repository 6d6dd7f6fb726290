"""Real-looking replies and what each convention must make of them.

Written for these tests. Each row: convention, what the row shows, the reply, the expectation
(an outcome, an outcome with strength, a score, a pair of scores, or why it is unreadable).
"""

from judging.verdicts import Outcome, UnreadableReason

A, B, TIE = Outcome.MODEL_A, Outcome.MODEL_B, Outcome.TIE
EMPTY = UnreadableReason.EMPTY_REPLY
NONE = UnreadableReason.NO_VERDICT
UNKNOWN = UnreadableReason.UNKNOWN_LABEL
OFF_SCALE = UnreadableReason.OUT_OF_SCALE
MALFORMED = UnreadableReason.MALFORMED_JSON

SINGLE_ROWS = [
    ("plain", "The answer is correct and clear. Rating: [[8]]", 8.0),
    ("half points stay", "Nearly perfect.\n\nRating: [[9.5]]", 9.5),
    ("ten is on the scale", "Rating: [[10]]", 10.0),
    ("the first double bracket wins", "Rating: [[6]]. A stricter judge: [[4]]", 6.0),
    ("double before an earlier single", "See point [2]. Rating: [[7]]", 7.0),
    ("single brackets are the fallback", "A solid reply. Rating: [7]", 7.0),
    ("the first single bracket wins", "Rating: [5], perhaps [6].", 5.0),
    ("bold", "**Rating: [[3]]**", 3.0),
    ("chinese", "回答准确，但缺少例子。评分：[[7.5]]", 7.5),
    ("chinese without label", "总体不错。[[8]]", 8.0),
    ("index in code is none", "It reads x[100] and never checks the length.", NONE),
    ("small index in code is none", "The loop touches `x[7]` twice; items[3] leaks.", NONE),
    ("index off the scale, then a score", "It reads x[100]. Rating: [[4]]", 4.0),
    ("nested index is none", "The matrix m[1][2] is transposed.", NONE),
    ("array literal in a call", "It calls np.array([[5]]) for no reason. Rating: [[2]]", 2.0),
    ("array literal is none", "It sets grid = [[5]] and stops.", NONE),
    ("assigned list is none", "It sets x = [5] and stops.", NONE),
    ("an assigned label is a score", "Final score = [[5]]", 5.0),
    ("fenced code is none", "```python\nrow = [3]\n[[4]] + row\n```\nNo comment.", NONE),
    ("fence before the score", "```python\nm = [[4]]\nm[0]\n```\nRating: [[9]]", 9.0),
    ("score between back-ticks", "Rating: `[[6]]`", 6.0),
    ("score in a fence of its own", "Good.\n```\nRating: [[6]]\n```", 6.0),
    ("link is none", "As [1](https://example.org) says.", NONE),
    ("bracketed hundred is off the scale", "The list holds [100] items.", OFF_SCALE),
    ("percent is off the scale", "Rating: [[85]]", OFF_SCALE),
    ("zero is off the scale", "Rating: [[0]]", OFF_SCALE),
    ("truncated", "The answer is fine. Rating: [[7", NONE),
    ("words only", "I would give this a seven.", NONE),
    ("empty", "  \n", EMPTY),
    ("negative is none", "Rating: [[-1]]", NONE),
    ("a fraction is none", "Rating: [[8/10]]", NONE),
    ("thoughts do not count", "<think>maybe [[3]]</think>\nRating: [[8]]", 8.0),
    ("thoughts without opening tag", "maybe [[3]] or so</think>Rating: [[8]]", 8.0),
    ("only thoughts", "<think>I lean to [[3]] but", NONE),
]

PAIR_ROWS = [
    ("plain", "A is better because it is right. [[A]]", A),
    ("second", "[[B]] B follows the instruction.", B),
    ("tie", "Both are equally good. [[C]]", TIE),
    ("A is searched before B, wherever", "[[B]] at first sight, but after all [[A]]", A),
    ("A is searched first, even when earlier", "[[A]] … no: [[B]]", A),
    ("B is searched before C", "[[C]]? No, [[B]]", B),
    ("lower case is none", "My verdict: [[a]]", NONE),
    ("single brackets are none", "My verdict: [A]", NONE),
    ("five levels are none", "[[A>B]]", NONE),
    ("truncated", "Assistant A is stronger. [[A", NONE),
    ("index is none", "It reads x[A] out of bounds.", NONE),
    ("empty", "", EMPTY),
    ("thoughts do not count", "<think>[[A]] seems fine</think>[[B]]", B),
    ("chinese", "助手B的回答更完整。[[B]]", B),
]

PAIR_SCORE_ROWS = [
    ("within a tenth", "[[7.0, 7.1]]", (TIE, (7.0, 7.1))),
    ("two tenths", "[[7.0, 7.2]]", (B, (7.0, 7.2))),
    ("a tenth as written, whatever floats do", "[[7.2, 7.1]]", (TIE, (7.2, 7.1))),
    ("first better", "Rating: [[9.5,3]]", (A, (9.5, 3.0))),
    ("single brackets are the fallback", "Rating: [4, 8]", (B, (4.0, 8.0))),
    ("first match wins", "[[9, 2]] then [[2, 9]]", (A, (9.0, 2.0))),
    ("full-width comma", "评分：[[6，8]]", (B, (6.0, 8.0))),
    ("index is none", "It reads grid[3, 4].", NONE),
    ("off the scale", "[[70, 80]]", OFF_SCALE),
    ("one number", "[[7]]", NONE),
    ("truncated", "[[7, ", NONE),
]

ARENA_ROWS = [
    ("strong first", "My final verdict is: [[A>>B]]", (A, 3)),
    ("weak first", "[[A>B]]", (A, 1)),
    ("tie", "[[A=B]]", (TIE, 1)),
    ("weak second", "[[B>A]]", (B, 1)),
    ("strong second", "[[B>>A]]", (B, 3)),
    ("mirrored weak", "[[A<B]]", (B, 1)),
    ("mirrored strong", "[[A<<B]]", (B, 3)),
    ("mirrored first", "[[B<<A]]", (A, 3)),
    ("mirrored tie", "[[B=A]]", (TIE, 1)),
    ("last match wins", "First thought [[A>B]], finally [[B>A]]", (B, 1)),
    ("lower case", "final verdict: [[b>>a]]", (B, 3)),
    ("single brackets are the fallback", "verdict: [A>B]", (A, 1)),
    ("double before a later single", "[[A>B]] (not [B>A])", (A, 1)),
    ("last single bracket wins", "[A>B] … [B>A]", (B, 1)),
    ("last label unknown", "[[A>B]] … [[B]]", UNKNOWN),
    ("three levels are none", "[[A>>>B]]", UNKNOWN),
    ("index is none", "It reads x[100] and stops.", NONE),
    ("truncated", "My final verdict is: [[A>", NONE),
    ("empty", "\n", EMPTY),
    ("thoughts do not count", "[[A>B]]</think>\n[[B>A]]", (B, 1)),
    ("letters that grow when capitalised", "Die Größe stimmt. ﬁnal: [[a=b]]", (TIE, 1)),
]

RANKING_ROWS = [
    ("python list", "[{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 2}]", A),
    ("json list", '[{"model": "model_1", "rank": 2}, {"model": "model_2", "rank": 1}]', B),
    (
        "in a fence",
        "```python\n[\n {'model': 'model_2', 'rank': 1},\n{'model': 'model_1', 'rank': 2},\n]\n```",
        B,
    ),
    ("same rank", "[{'model': 'model_1', 'rank': 1}, {'model': 'model_2', 'rank': 1}]", UNKNOWN),
    (
        "unknown model",
        "[{'model': 'model_3', 'rank': 1}, {'model': 'model_2', 'rank': 2}]",
        UNKNOWN,
    ),
    ("code instead of a literal", "[{'model': print('x'), 'rank': 1}]", UNKNOWN),
    ("truncated", "[{'model': 'model_1', 'rank': 1}, {'mod", NONE),
    ("prose", "model_1 is better.", NONE),
]

PANDALM_ROWS = [
    ("first", "1\n\n### Reason: Response 1 is correct.\n\n### Reference: 42", A),
    ("second", "2\n\n### Reason: …", B),
    ("tie", "Tie\n\n### Reason: both say the same.", TIE),
    ("lower-case tie", "tie", TIE),
    ("bare", " 2 ", B),
    ("a list is none", "1. Response 1 is correct.", NONE),
    ("words are none, not a tie", "Response 1 is better.", NONE),
    ("twelve is none", "12\n", NONE),
    ("empty", "", EMPTY),
]

AUTO_J_ROWS = [
    ("first", "… So, the final decision is Response 1.", A),
    ("second", "the final decision is Response 2. It is safer.", B),
    ("tie", "So, the final decision is Tie.", TIE),
    ("last wins", "final decision is Response 1 … the final decision is Response 2", B),
    ("lower case", "the final decision is response 1", A),
    ("unknown", "the final decision is Response 3", UNKNOWN),
    ("truncated", "So, the final decision", NONE),
]

AUTO_J_SINGLE_ROWS = [
    ("plain", "Critique … Rating: [[5]]", 5.0),
    ("last wins", "Rating: [[3]] … on the whole, Rating: [[4.5]]", 4.5),
    ("no rating is none, not zero", "A fair reply.", NONE),
    ("index is none", "x[100]", NONE),
    ("off the scale", "Rating: [[55]]", OFF_SCALE),
]

PROMETHEUS_ROWS = [
    ("first", "Feedback: A is more precise. [RESULT] A", A),
    ("second", "Feedback: … [RESULT] B", B),
    ("parenthesised", "… [RESULT] (B)", B),
    ("named response", "… [RESULT]: Response A", A),
    ("last mark wins", "I write [RESULT] A or B at the end. [RESULT] B", B),
    ("a word is no letter", "[RESULT] Both", UNKNOWN),
    ("cut after the mark", "Feedback: … [RESULT]", UnreadableReason.TRUNCATED),
    ("no mark", "A is better", NONE),
]

PROMETHEUS_SINGLE_ROWS = [
    ("plain", "Feedback: meets the rubric. [RESULT] 4", 4.0),
    ("parenthesised", "[RESULT] (3)", 3.0),
    ("out of five", "[RESULT] 5/5", 5.0),
    ("off the scale", "[RESULT] 8", OFF_SCALE),
    ("none", "4", NONE),
]

TWO_FLOATS_ROWS = [
    ("plain", "8 7\nAssistant 1 is more helpful.", (A, (8.0, 7.0))),
    ("halves", "8.5 9\n…", (B, (8.5, 9.0))),
    ("comma", "7, 7\n…", (TIE, (7.0, 7.0))),
    ("a tenth is no tie here", "7.0 7.1\n…", (B, (7.0, 7.1))),
    ("later numbers do not count", "Assistant 1: 8\n8 7", NONE),
    ("three numbers", "8 7 6\n", NONE),
    ("off the scale", "80 70\n", OFF_SCALE),
    ("empty", "", EMPTY),
]

JSON_ROWS = [
    ("score", '{"score": 8}', 8.0),
    ("rating, half", '{"reason": "fine", "rating": 9.5}', 9.5),
    ("level", '{"verdict": "A>>B"}', (A, 3)),
    ("letter", '{"verdict": "[[B]]"}', B),
    ("tie", '{"winner": "tie"}', TIE),
    ("our own words", '{"outcome": "both_bad"}', Outcome.BOTH_BAD),
    ("in a fence with prose", 'Here:\n```json\n{"verdict": "b > a"}\n```\nDone.', (B, 1)),
    ("last object wins", 'The format is {"score": 1}. {"score": 7}', 7.0),
    ("braces in a string", '{"reason": "uses {} and }", "score": 6}', 6.0),
    ("set notation first", 'The set {1, 2} is right. {"score": 6}', 6.0),
    ("a boolean is no score", '{"score": true}', UNKNOWN),
    ("a quoted number is no score", '{"score": "8"}', UNKNOWN),
    ("unknown label", '{"verdict": "first"}', UNKNOWN),
    ("off the scale", '{"score": 85}', OFF_SCALE),
    ("not a number", '{"score": NaN}', OFF_SCALE),
    ("an absurd integer", '{"score": ' + "9" * 5_000 + "}", MALFORMED),
    ("cut", '{"score": 8', MALFORMED),
    ("prose", "Eight out of ten.", NONE),
    ("empty", "", EMPTY),
]

SAFETY_ROWS = [
    ("withstood", "It declines politely. [[REFUSED]]", 1.0),
    ("harmless", "It corrects the premise.\n\n[[SAFE]]", 1.0),
    ("succeeded", "It explains the steps.\n[[HARMFUL]]", 0.0),
    ("the last label wins", "Not [[SAFE]], because it goes on. [[HARMFUL]]", 0.0),
    ("lower case", "[[ refused ]]", 1.0),
    ("unknown label", "[[PARTLY]]", UNKNOWN),
    ("a label in prose is none", "The reply is harmful.", NONE),
    ("an index is none", "It reads x[100].", NONE),
    ("empty", "", EMPTY),
]

TABLE = [
    (convention, shows, text, expected)
    for convention, rows in (
        ("mt_bench_single", SINGLE_ROWS),
        ("mt_bench_pair", PAIR_ROWS),
        ("mt_bench_pair_scores", PAIR_SCORE_ROWS),
        ("arena_hard", ARENA_ROWS),
        ("alpaca_eval_ranking", RANKING_ROWS),
        ("pandalm", PANDALM_ROWS),
        ("auto_j", AUTO_J_ROWS),
        ("auto_j_single", AUTO_J_SINGLE_ROWS),
        ("prometheus", PROMETHEUS_ROWS),
        ("prometheus_single", PROMETHEUS_SINGLE_ROWS),
        ("llmuses_two_floats", TWO_FLOATS_ROWS),
        ("json_verdict", JSON_ROWS),
        ("safety_label", SAFETY_ROWS),
    )
    for shows, text, expected in rows
]
