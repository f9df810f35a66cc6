"""What is wrong is told once when it begins, shown while it lasts, and told when it is over."""

from core.troubles import SILENT_S, Silence, Troubles


def test_a_trouble_is_told_when_it_begins_changes_and_ends() -> None:
    said: list[tuple[str, str]] = []
    wrong = {"log": "", "claim": ""}
    troubles = Troubles([lambda: wrong["log"], lambda: wrong["claim"]], lambda level, text: said.append((level, text)))
    troubles.look(0.0)
    assert not troubles.now
    wrong["log"] = "Kafka does not answer"
    troubles.look(1.0)
    troubles.look(2.0)
    assert list(troubles.now) == ["Kafka does not answer"]
    assert said == [("error", "Kafka does not answer")]
    wrong |= {"log": "1 of 3 brokers does not answer", "claim": "no trade can be claimed"}
    troubles.look(3.0)
    assert list(troubles.now) == ["1 of 3 brokers does not answer", "no trade can be claimed"]
    wrong["log"] = ""
    troubles.look(6.5)
    assert list(troubles.now) == ["no trade can be claimed"]
    assert said[1:] == [
        ("error", "1 of 3 brokers does not answer"),
        ("error", "no trade can be claimed"),
        ("info", "over after 5.5 s: 1 of 3 brokers does not answer"),
    ]


def test_a_log_that_brings_nothing_is_silent_until_it_brings_something() -> None:
    now_s, consumed = 0.0, 0
    silence = Silence(lambda: consumed, lambda: now_s)
    assert silence() == ""
    now_s = SILENT_S + 0.1
    assert "no collector writes" in silence()
    consumed = 1
    assert silence() == ""
    now_s += SILENT_S
    assert silence() == ""
