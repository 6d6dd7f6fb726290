"""Token sequences as a tree of shared prefixes, and the plan of forward passes over it.

Every token of the tree is run once. A prefix that many sequences share (few-shot examples) becomes
a *trunk*: it is run alone and its keys and values are kept for all that hangs below it. What
branches late (the choices of one question) is packed into one *row*, side by side, each token
seeing only its own ancestors. Pure numpy; no model here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.engine.encoding import EncodedPair, IntArray

# a trunk costs forward passes of its own and splits batches; below this share of tokens saved,
# larger batches are the better use of the machine (measured, docs/benchmarks.md)
MIN_SAVED_SHARE = 0.25
MIN_TRUNK_TOKENS = 32
# branches are packed beside their prefix while they are short, because attention inside a row is
# computed for every pair of its tokens, seen or not
MAX_PACKED_TOKENS = 256
MAX_PACKED_SHARE = 0.5


@dataclass(slots=True)
class ReadRange:
    """Consecutive positions whose predictions a pair needs.

    ``offset`` counts from the start of the node (in a tree) or of the row (in a plan);
    ``first_target`` is the index of the first target token among the pair's targets.
    """

    pair: int
    offset: int
    first_target: int
    count: int


@dataclass(slots=True)
class Node:
    """A run of tokens without a branch; ``start`` is the depth of its first token."""

    tokens: IntArray
    start: int
    children: list[Node] = field(default_factory=list)
    reads: list[ReadRange] = field(default_factory=list)
    subtree_tokens: int = 0

    @property
    def end(self) -> int:
        return self.start + len(self.tokens)


@dataclass(frozen=True, slots=True)
class Piece:
    """A node's place in a row: tokens ``[start, end)`` whose context is the piece ``parent``."""

    start: int
    end: int
    parent: int


@dataclass(slots=True)
class Row:
    """Tokens of one batch row in depth-first order; ``positions`` are their depths."""

    tokens: IntArray
    positions: IntArray
    pieces: list[Piece]
    reads: list[ReadRange]

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def is_chain(self) -> bool:
        """Whether nothing branches, so that the ordinary causal mask is right."""
        return all(piece.parent == index - 1 for index, piece in enumerate(self.pieces))


@dataclass(slots=True)
class Trunk:
    """A prefix whose keys and values are kept for ``rows`` and ``children``.

    ``row`` is None for the root, which holds what shares nothing.
    """

    row: Row | None = None
    length: int = 0
    rows: list[Row] = field(default_factory=list)
    children: list[Trunk] = field(default_factory=list)


def build_tree(pairs: Sequence[EncodedPair]) -> Node:
    """The radix tree of all inputs, with each pair's reads on the nodes they fall into."""
    order = sorted(range(len(pairs)), key=lambda i: _sort_key(pairs[i].inputs))
    root = Node(np.zeros(0, dtype=np.int32), 0)
    path = [root]
    previous: IntArray | None = None
    for index in order:
        inputs = pairs[index].inputs
        shared = 0 if previous is None else _common_prefix(previous, inputs)
        _cut_path(path, shared)
        if len(inputs) > shared:
            leaf = Node(inputs[shared:], shared)
            path[-1].children.append(leaf)
            path.append(leaf)
        _add_reads(path, index, pairs[index])
        previous = inputs
    _count_subtrees(root)
    return root


def _sort_key(inputs: IntArray) -> bytes:
    # big-endian bytes compare as the numbers do, a prefix before what continues it
    return inputs.astype(">u4").tobytes()


def _common_prefix(first: IntArray, second: IntArray) -> int:
    size = min(len(first), len(second))
    differ = np.flatnonzero(first[:size] != second[:size])
    return int(differ[0]) if len(differ) else size


def _cut_path(path: list[Node], depth: int) -> None:
    """Let ``path`` end at ``depth``, splitting the node that reaches across it."""
    while path[-1].start >= depth and len(path) > 1:
        path.pop()
    if path[-1].end > depth:
        _split(path[-1], depth - path[-1].start)


def _split(node: Node, at: int) -> None:
    lower = Node(node.tokens[at:], node.start + at, node.children)
    node.tokens, node.children = node.tokens[:at], [lower]
    kept: list[ReadRange] = []
    for read in node.reads:
        upper = min(max(at - read.offset, 0), read.count)
        if upper:
            kept.append(ReadRange(read.pair, read.offset, read.first_target, upper))
        if upper < read.count:
            offset, first = read.offset + upper - at, read.first_target + upper
            lower.reads.append(ReadRange(read.pair, offset, first, read.count - upper))
    node.reads = kept


def _add_reads(path: list[Node], index: int, pair: EncodedPair) -> None:
    first = len(pair.inputs) - len(pair.targets)
    for node in reversed(path):
        start = max(first, node.start)
        if start < node.end:
            node.reads.append(ReadRange(index, start - node.start, start - first, node.end - start))
        if node.start <= first:
            break


def _count_subtrees(root: Node) -> None:
    order = [root]
    for node in order:
        order.extend(node.children)
    for node in reversed(order):
        node.subtree_tokens = len(node.tokens) + sum(c.subtree_tokens for c in node.children)


def plan_rows(root: Node) -> Trunk:
    """Decide which prefixes become trunks and which branches share a row."""
    plan = Trunk()
    stack: list[tuple[Node, list[Node], Trunk]] = [(root, [], plan)]
    while stack:
        node, carried, trunk = stack.pop()
        path = [*carried, node] if len(node.tokens) else carried
        path_length = sum(len(part.tokens) for part in path)
        branches = node.subtree_tokens - len(node.tokens)
        if path and branches <= max(MAX_PACKED_TOKENS, MAX_PACKED_SHARE * path_length):
            trunk.rows.append(_row(path))
        elif path and _is_worth_a_trunk(node, path_length):
            row = _row(path, with_branches=False)
            lower = Trunk(row, trunk.length + path_length)
            trunk.children.append(lower)
            stack.extend((child, [], lower) for child in reversed(node.children))
        else:
            # a node carried into several rows is read in the first only
            stack.extend((child, path, trunk) for child in reversed(node.children))
    return plan


def _is_worth_a_trunk(node: Node, path_length: int) -> bool:
    if path_length < MIN_TRUNK_TOKENS:
        return False
    fan_out = len(node.children)
    saved = path_length * (fan_out - 1)
    unshared = path_length * fan_out + node.subtree_tokens - len(node.tokens)
    return saved >= MIN_SAVED_SHARE * unshared


def _row(path: Sequence[Node], *, with_branches: bool = True) -> Row:
    """The path as a chain, followed by everything below its last node."""
    nodes: list[tuple[Node, int]] = [(node, index - 1) for index, node in enumerate(path)]
    if with_branches:
        stack = [(child, len(path) - 1) for child in reversed(path[-1].children)]
        while stack:
            node, parent = stack.pop()
            nodes.append((node, parent))
            stack.extend((child, len(nodes) - 1) for child in reversed(node.children))
    pieces: list[Piece] = []
    reads: list[ReadRange] = []
    start = 0
    for node, parent in nodes:
        end = start + len(node.tokens)
        pieces.append(Piece(start, end, parent))
        reads += [ReadRange(r.pair, r.offset + start, r.first_target, r.count) for r in node.reads]
        node.reads = []
        start = end
    return Row(
        np.concatenate([node.tokens for node, _ in nodes]),
        np.concatenate([np.arange(n.start, n.end, dtype=np.int32) for n, _ in nodes]),
        pieces,
        reads,
    )


def split_row(row: Row) -> list[Row]:
    """One chain per leaf of a packed row, for when the row as a whole does not fit in memory."""
    parents = {piece.parent for piece in row.pieces}
    rows = []
    taken: set[int] = set()
    for leaf in (i for i in range(len(row.pieces)) if i not in parents):
        chain = [leaf]
        while row.pieces[chain[0]].parent >= 0:
            chain.insert(0, row.pieces[chain[0]].parent)
        rows.append(_chain(row, chain, taken))
        taken.update(chain)
    return rows


def _chain(row: Row, chain: Sequence[int], taken: set[int]) -> Row:
    pieces: list[Piece] = []
    reads: list[ReadRange] = []
    start = 0
    for index in chain:
        old = row.pieces[index]
        shift = start - old.start
        if index not in taken:
            reads += [
                ReadRange(r.pair, r.offset + shift, r.first_target, r.count)
                for r in row.reads
                if old.start <= r.offset < old.end
            ]
        pieces.append(Piece(start, start + old.end - old.start, len(pieces) - 1))
        start = pieces[-1].end
    picked = np.concatenate([np.arange(row.pieces[i].start, row.pieces[i].end) for i in chain])
    return Row(row.tokens[picked], row.positions[picked], pieces, reads)


def plain_rows(pairs: Sequence[EncodedPair]) -> Trunk:
    """Every distinct input as a chain of its own: the plan for models that cannot share."""
    rows: dict[bytes, Row] = {}
    for index, pair in enumerate(pairs):
        key = pair.inputs.tobytes()
        length = len(pair.inputs)
        if key not in rows:
            positions = np.arange(length, dtype=np.int32)
            rows[key] = Row(pair.inputs, positions, [Piece(0, length, -1)], [])
        read = ReadRange(index, length - len(pair.targets), 0, len(pair.targets))
        rows[key].reads.append(read)
    return Trunk(rows=list(rows.values()))


def batches(rows: Sequence[Row], *, token_budget: int, read_budget: int) -> list[list[Row]]:
    """Rows of like length together, longest first, padded tokens and reads within the budgets.

    A single row may exceed a budget. Equal plans give equal batches, so that low-precision results
    repeat.
    """
    ordered = sorted(rows, key=len, reverse=True)
    made: list[list[Row]] = []
    widest = reads = 0
    for row in ordered:
        row_reads = sum(read.count for read in row.reads)
        fits = made and (len(made[-1]) + 1) * widest <= token_budget
        if not fits or reads + row_reads > read_budget:
            made.append([])
            widest, reads = len(row), 0
        made[-1].append(row)
        reads += row_reads
    return made
