"""Every way in which a topic may differ is explained, with what mends it."""

from core.log.differences import meaning, remedy, told
from core.log.topics import TICKS, TOPICS, Difference, settings_of


def test_every_difference_that_may_be_found_has_a_meaning_of_its_own_and_a_remedy() -> None:
    for topic in TOPICS:
        numbers = {"partitions": str(topic.partitions), "replication factor": "3"}
        for what, wanted in {**numbers, **settings_of(topic, 3)}.items():
            found = ("0", "1 to 9", str(10**15)) if wanted.isdigit() else ("another",)
            differences = [Difference(topic.name, what, wanted, one) for one in found]
            assert "not tried" not in "".join(map(meaning, differences))
            assert all(topic.name in remedy(one, "k:1,k:2") or "copies" in remedy(one, "k:1") for one in differences)
            if what not in ("partitions", "cleanup.policy"):
                assert meaning(differences[0]) != meaning(differences[-1])


def test_a_setting_is_mended_by_kafkas_own_command_and_a_missing_topic_by_ours() -> None:
    short = Difference(TICKS.name, "retention.ms", "86400000", "1000")
    assert told(short) == "retention.ms 1000, wanted 86400000"
    assert "deleted before" in meaning(short)
    assert remedy(short, "k:1,k:2") == (
        "kafka-configs.sh --bootstrap-server k:1 --alter --entity-type topics --entity-name arbitrage-tick-data"
        " --add-config retention.ms=86400000"
    )
    missing = Difference(TICKS.name, "topic", "exists", "missing")
    assert (told(missing), remedy(missing, "k:1")) == ("missing", "arbdesk topics --create --bootstrap k:1")
