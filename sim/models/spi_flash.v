// An SPI flash memory as far as a design reads from it: asleep until command ab, then command 03 with 24 bits of
// address, in mode 0, the highest bit of every byte first. IMAGE is a file for $readmemh with a byte a word; what it
// does not fill reads as erased. Addresses wrap at DEPTH.

module spi_flash #(
    parameter IMAGE = "flash.mem",
    parameter DEPTH = 262144
) (
    input cs, sck, mosi,
    output reg miso
);
    reg [7:0] contents [0:DEPTH-1];
    reg [7:0] command = 0;
    reg [23:0] address = 0;
    reg [31:0] taken = 0, place;
    reg awake = 0;
    integer at;

    initial begin
        miso = 1;
        for (at = 0; at < DEPTH; at = at + 1) contents[at] = 8'hff;
        $readmemh(IMAGE, contents);
    end

    always @(posedge sck or posedge cs)
        if (cs) begin
            if (taken >= 8 && command == 8'hab) awake <= 1;
            if (taken == 8 && command == 8'hb9) awake <= 0;
            taken <= 0;
        end else begin
            taken <= taken + 1;
            if (taken < 8) command <= {command[6:0], mosi};
            else if (taken < 32) address <= {address[22:0], mosi};
        end

    always @(negedge sck) begin
        place = taken - 32;
        if (!cs && awake && command == 8'h03 && taken >= 32)
            miso <= contents[(address + place / 8) % DEPTH][7 - place % 8];
        else miso <= 1;
    end
endmodule
