"""The order of a conversation's items, from what servers tell of it: each one's predecessor.

Knows ids and nothing of what they stand for. Each item hangs on the one that it was put after,
so the order is right whatever the order of arrival, and what was told wins over what had to be
guessed. No id stands in it twice.
"""

from __future__ import annotations


class _Place:
    """Where an item stands: after another, nearer to it than whatever came there before.

    Attributes:
        guessed: whether nobody has said that it stands after that one.
        told: whether its predecessor was ever named; the first name counts.
    """

    __slots__ = ("after", "followers", "guessed", "item_id", "told")

    def __init__(self, item_id: str, *, told: bool) -> None:
        self.item_id = item_id
        self.told = told
        self.guessed = True
        self.after: _Place | None = None
        self.followers: list[_Place] = []

    def hang(self, leader: _Place, *, guessed: bool) -> None:
        self.after, self.guessed = leader, guessed
        leader.followers.append(self)


class Order:
    """The ids of a conversation, in order."""

    def __init__(self) -> None:
        self._root = _Place("", told=True)
        self._root.guessed = False
        self._places: dict[str, _Place] = {}
        self._waiting: dict[str, list[_Place]] = {}  # for a predecessor that is not there
        self._line: list[str] | None = []

    def line(self) -> list[str]:
        """All ids, in order. Not to be changed by the caller."""
        if self._line is None:
            self._line = []
            left = list(self._root.followers)
            while left:
                place = left.pop()  # the last that came stands nearest to its predecessor
                self._line.append(place.item_id)
                left += place.followers
        return self._line

    def before(self, item_id: str) -> str | None:
        """The id before this one, None if it is the first."""
        line = self.line()
        index = len(line) - 1 if line[-1] == item_id else line.index(item_id)
        return line[index - 1] if index else None

    def add(self, item_id: str, previous_id: str | None, *, first: bool = False) -> bool:
        """Put in an id that is not there yet; whether that moved others.

        Args:
            item_id: the new one.
            previous_id: its predecessor; None, or one that is not there, puts it to the end.
            first: it is told to be the first of all.
        """
        line = self.line()
        leader = self._root if first else self._places.get(previous_id or "")
        place = _Place(item_id, told=first or previous_id is not None)
        if leader is not None:
            place.hang(leader, guessed=False)
        else:
            place.hang(self._places[line[-1]] if line else self._root, guessed=True)
            if previous_id is not None:
                self._waiting.setdefault(previous_id, []).append(place)
        self._places[item_id] = place
        before = list(line) if item_id in self._waiting else None
        if leader is None or (line and leader.item_id == line[-1]):
            line.append(item_id)
        else:
            self._line = None
        if before is None:
            return False
        for orphan in self._waiting.pop(item_id):
            if self._places.get(orphan.item_id) is orphan:
                self._follow(orphan, place)
        return before != [other for other in self.line() if other != item_id]

    def tell(self, item_id: str, previous_id: str | None) -> bool:
        """Say the predecessor of an id that is there; whether that moved anything."""
        place = self._places[item_id]
        if place.told or previous_id is None:
            return False
        place.told = True
        leader = self._places.get(previous_id)
        if leader is None:
            self._waiting.setdefault(previous_id, []).append(place)
            return False
        before = self.line()
        self._follow(place, leader)
        return before != self.line()

    def remove(self, item_id: str) -> None:
        """Take an id out; what stood after it stands after its predecessor then."""
        place = self._places.pop(item_id)
        leader = place.after
        assert leader is not None
        for follower in place.followers:
            follower.after = leader
            follower.guessed |= place.guessed
        index = leader.followers.index(place)
        leader.followers[index : index + 1] = place.followers
        if self._line is not None:
            self._line.remove(item_id)

    def _follow(self, place: _Place, leader: _Place) -> None:
        """Hang `place` on `leader`, as was told, and all that hangs on it."""
        above: _Place | None = leader
        guess: _Place | None = None
        while above is not None and above is not place:
            if guess is None and above.guessed:
                guess = above
            above = above.after
        old = place.after
        assert old is not None
        if above is place:  # the leader hangs on it
            if guess is None:
                return  # they were told in a circle: the first word stands
            self._unhang(guess)
            guess.after = old
            old.followers.insert(old.followers.index(place), guess)
        self._unhang(place)
        place.hang(leader, guessed=False)
        self._line = None

    def _unhang(self, place: _Place) -> None:
        assert place.after is not None
        place.after.followers.remove(place)
