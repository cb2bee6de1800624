"""The model of a flash memory answers a board's loader as the memory does."""

import shutil
import subprocess
from pathlib import Path

import pytest

from boards.flash_image import weights_image
from boards.loader import FlashLoader
from hw.verilog import emit

MODEL = Path(__file__).parents[2] / "sim" / "models" / "spi_flash.v"
ADDRESS = 0x20000
BENCH = """
module bench;
    reg clk = 0, rst = 1;
    integer taken = 0, cycles = 0;
    wire selected, sck, mosi, miso, valid, ready, failed;
    wire [15:0] payload;
    loader dut (.clk(clk), .rst(rst), .selected(selected), .sck(sck), .mosi(mosi), .miso(miso), .ready(ready),
        .failed(failed), .loaded(taken == COUNT), .o__valid(valid), .o__payload(payload), .o__ready(1'b1));
    spi_flash #(.IMAGE("flash.mem")) memory (.cs(~selected), .sck(sck), .mosi(mosi), .miso(miso));
    always #5 clk = ~clk;
    always @(posedge clk) begin
        rst <= 0;
        cycles = cycles + 1;
        if (valid) begin
            $display("word %h", payload);
            taken <= taken + 1;
        end
        if (ready || cycles == 20000) begin
            $display("ready %b failed %b", ready, failed);
            $finish;
        end
    end
endmodule
"""


def run(words: list[int], contents: bytes, folder: Path) -> list[str]:
    """What the bench prints for a loader of ``words`` and a memory with ``contents`` at its address."""
    (folder / "loader.sv").write_text(emit(FlashLoader(len(words), ADDRESS, 16), "loader"))
    (folder / "bench.sv").write_text(BENCH.replace("COUNT", str(len(words))))
    (folder / "flash.mem").write_text(f"@{ADDRESS:x}\n" + "".join(f"{byte:02x}\n" for byte in contents))
    command = ["iverilog", "-g2012", "-s", "bench", "-o", "bench", "bench.sv", "loader.sv", str(MODEL)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    text = subprocess.run(["vvp", "bench"], cwd=folder, check=True, capture_output=True, text=True).stdout
    return [line for line in text.splitlines() if line.startswith(("word", "ready"))]


needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")


@needs_icarus
def test_the_loader_reads_the_model(rng, tmp_path):
    words = rng.integers(0, 1 << 16, 9).tolist()
    image = weights_image(words)
    assert run(words, image, tmp_path) == [*(f"word {word:04x}" for word in words), "ready 1 failed 0"]
    damaged = image[:-1] + bytes([image[-1] ^ 1])
    assert run(words, damaged, tmp_path) == ["ready 0 failed 1"]


@needs_icarus
def test_a_memory_that_was_not_woken_answers_nothing(rng, tmp_path, monkeypatch):
    monkeypatch.setattr("boards.loader.WAKE", 0xAA)
    words = rng.integers(0, 1 << 16, 9).tolist()
    assert run(words, weights_image(words), tmp_path) == ["ready 0 failed 1"]
