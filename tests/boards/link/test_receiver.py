# amaranth: UnusedElaboratable=no
"""The store of frames: what it offers, drops and counts, also where it is full."""

from binascii import crc_hqx

from amaranth.sim import Simulator

from boards.link.receiver import FrameStore


def content(kind, *rest):
    body = bytes([kind, *rest])
    return body + crc_hqx(body, 0xFFFF).to_bytes(2, "big")


class Store:
    """The component in Amaranth's simulator, with verbs."""

    def __init__(self, script):
        self.part, self.pulses = FrameStore(), []
        simulator = Simulator(self.part)
        simulator.add_clock(1e-6)

        async def bench(ctx):
            self.ctx = ctx
            await script(self)

        simulator.add_testbench(bench)
        simulator.run()

    async def item(self, data, end=0):
        self.ctx.set(self.part.i.payload, {"data": data, "end": end})
        self.ctx.set(self.part.i.valid, 1)
        names = ("damaged", "overrun", "reset")
        self.pulses += [name for name in names if self.ctx.get(getattr(self.part, name))]
        await self.ctx.tick()
        self.ctx.set(self.part.i.valid, 0)

    async def frame(self, data, whole=1):
        for byte in data:
            await self.item(byte)
        await self.item(whole, end=1)

    async def offered(self):
        """The content of the oldest frame, or None; it stays."""
        if not self.ctx.get(self.part.frames.valid):
            return None
        out = []
        for at in range(self.ctx.get(self.part.frames.payload)):
            self.ctx.set(self.part.at, at)
            await self.ctx.tick()
            out.append(self.ctx.get(self.part.data))
        return bytes(out)

    async def take(self):
        self.ctx.set(self.part.frames.ready, 1)
        await self.ctx.tick()
        self.ctx.set(self.part.frames.ready, 0)


def test_frames_come_in_order_and_damaged_ones_do_not():
    async def script(store):
        first, second = content(2, 1, 5, 6), content(1, 2, *range(249))
        await store.frame(content(9, 1)[:-1] + b"x")
        await store.frame(first, whole=0)
        await store.frame(b"abc")
        await store.frame(content(1, 2, *bytes(250)))  # a byte too many
        assert await store.offered() is None
        assert store.pulses == ["damaged"] * 4
        await store.frame(first)
        assert await store.offered() == first
        await store.frame(second)
        await store.frame(content(7, 7))
        assert await store.offered() == first
        await store.take()
        assert await store.offered() == second
        await store.take()
        assert await store.offered() is None
        assert store.pulses == ["damaged"] * 4 + ["overrun"]
        await store.frame(first)
        assert await store.offered() == first

    Store(script)


def test_a_frame_that_began_without_room_is_dropped_whole():
    async def script(store):
        first, second, third = content(2, 1, 1, 1), content(2, 2, 2, 2), content(2, 3, 3, 3)
        await store.frame(first)
        await store.frame(second)
        for byte in third[:3]:
            await store.item(byte)
        await store.take()
        for byte in third[3:]:
            await store.item(byte)
        await store.item(1, end=1)
        assert store.pulses == ["overrun"]
        assert await store.offered() == second
        await store.take()
        assert await store.offered() is None
        await store.frame(third)
        assert await store.offered() == third

    Store(script)


def test_a_reset_comes_through_whatever_waits():
    async def script(store):
        await store.frame(content(2, 1))
        await store.frame(content(4, 1))
        assert await store.offered() == content(4, 1)
        await store.frame(content(2, 2))
        await store.frame(content(4, 2))  # finds no room, and frees it
        assert await store.offered() is None
        await store.frame(content(4, 3))
        assert await store.offered() == content(4, 3)
        await store.take()
        assert await store.offered() is None
        assert store.pulses == ["reset", "overrun", "reset", "reset"]
        await store.frame(content(4, 4)[:-1] + b"x")
        assert store.pulses[-1] == "damaged"

    Store(script)
