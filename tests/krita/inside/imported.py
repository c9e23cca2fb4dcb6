"""After Krita's importer, the menu has the entry, and it paints."""

from .common import Tests, drafted, open_dialog, photograph


def the_menu_entry_opens_the_dialog_and_a_draft_is_painted():
    yield from photograph()
    yield from drafted((yield from open_dialog()))


TESTS = Tests([(the_menu_entry_opens_the_dialog_and_a_draft_is_painted, ())])
