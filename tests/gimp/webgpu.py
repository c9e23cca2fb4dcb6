"""The filter on a graphics card: Mesa's Vulkan driver that computes on the processor, where the provider may use it."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["IMPASTO_CHECKOUT"], "tests", "gimp"))
from inside import *  # noqa: E402,F403

MAY_BE_USED = "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER" in os.environ


def painted_on(device, **arguments):
    image = photograph(64, 48)
    succeeds(image, device=device, **arguments)
    values = [value for row in rows(layer_of(image), "R'G'B' u8") for pixel in row for value in pixel]
    image.delete()
    return values


def a_card_paints_what_the_processor_paints():
    on_card, on_processor, photo = painted_on("webgpu"), painted_on("cpu"), painted_on("cpu", iterations=1)
    apart = lambda one, other: sum(abs(a - b) for a, b in zip(one, other)) / len(one)
    painted = apart(on_processor, photo)
    assert painted > 5, painted
    assert apart(on_card, on_processor) < 0.1 * painted, (apart(on_card, on_processor), painted)


def a_card_that_may_not_be_used_is_an_error():
    image = photograph(64, 48)
    fails(image, "webgpu", "cpu", device="webgpu")
    image.delete()


tests = Tests(os.environ["IMPASTO_SUITE"])
tests.run(a_card_paints_what_the_processor_paints if MAY_BE_USED else a_card_that_may_not_be_used_is_an_error)
tests.end()
