"""After Krita's importer, the menu has the entry, and it paints."""

from .common import Tests, drafted, open_dialog, photograph


def the_menu_entry_opens_the_dialog_and_a_draft_is_painted():
    photograph()
    drafted(open_dialog())


tests = Tests()
tests.run(the_menu_entry_opens_the_dialog_and_a_draft_is_painted)
tests.end()
