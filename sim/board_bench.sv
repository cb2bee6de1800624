// The bench around a board's top: the oscillator, and the computer at the other end of the UART.
//
// Python hands over a block of bytes and takes what came since, whenever it changes `turn`; the bits are made and read here.
// A bit lasts BIT_16THS sixteenths of a clock cycle on this side, so that a computer whose rate is a little off can be played.

module board_bench #(
    parameter BIT_16THS = 192,
    parameter BURST = 2000,
    parameter BLOCK = 64
) (
    input tick
);
    wire clk, tx;
    reg rx = 1;

    ring_clock #(.BURST(BURST)) ring (.tick(tick), .stop(1'b0), .clk(clk));

    `DUT dut (.clk(clk), .rx(rx), .tx(tx) `PORTS);

    reg turn = 0, last_turn = 0;

    // Python to the board: `feed_count` bytes of `feed`, first byte lowest; there is room for a block while `room` is 1.
    reg [8*BLOCK-1:0] feed = 0;
    reg [15:0] feed_count = 0;
    reg [7:0] queue [0:2*BLOCK-1];
    integer put = 0, got = 0, level = 0, at;
    wire room = level <= BLOCK;

    // The board to Python: `drain_count` bytes since the last turn. Those without a stop bit are lost, as in a computer.
    reg [8*BLOCK-1:0] drain = 0;
    reg [15:0] drain_count = 0;

    integer send_phase = 0, send_left = 0, take_phase = 0, take_left = 0;
    reg [9:0] sending = 10'h3ff;
    reg [7:0] taking = 0;
    reg line_1 = 1, line_2 = 1, undefined = 0;

    always @(posedge clk) begin
        if (turn != last_turn) begin
            last_turn <= turn;
            drain_count = 0;
            for (at = 0; at < feed_count; at = at + 1) begin
                queue[put] = feed[8*at +: 8];
                put = (put + 1) % (2 * BLOCK);
            end
            level = level + {16'd0, feed_count};
        end

        // Ten bits a byte, the lowest first, between a start bit of 0 and a stop bit of 1.
        if (send_left == 0) begin
            rx <= 1;
            if (level != 0) begin
                sending = {1'b1, queue[got], 1'b0};
                got = (got + 1) % (2 * BLOCK);
                level = level - 1;
                send_left = 10;
                send_phase = BIT_16THS;
            end
        end
        if (send_left != 0) begin
            rx <= sending[0];
            send_phase = send_phase - 16;
            if (send_phase < 16) begin
                send_phase = send_phase + BIT_16THS;
                sending = {1'b1, sending[9:1]};
                send_left = send_left - 1;
            end
        end

        if (tx !== 1'b0 && tx !== 1'b1) undefined <= 1;
        line_1 <= tx;
        line_2 <= line_1;
        if (take_left == 0) begin
            if (!line_2) begin
                take_left = 10;
                take_phase = BIT_16THS / 2;
            end
        end else begin
            take_phase = take_phase - 16;
            if (take_phase < 16) begin
                take_phase = take_phase + BIT_16THS;
                if (take_left == 10 && line_2) take_left = 0;
                else begin
                    if (take_left == 1) begin
                        if (line_2 && drain_count != BLOCK) begin
                            drain[8*drain_count +: 8] = taking;
                            drain_count = drain_count + 1;
                        end
                    end else taking = {line_2, taking[7:1]};
                    take_left = take_left - 1;
                end
            end
        end
    end
endmodule
