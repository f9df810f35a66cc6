from tests.console.monkey import swing


async def test_keys_that_nobody_means_approve_nothing_while_rows_move_and_the_terminal_changes_its_size() -> None:
    found = await swing(1_500, 20261123)
    assert found.events >= 1_500
    assert found.opened > 10  # tickets were there to be hit
    assert found.unmeant == []
