// A top that sends back the bits that it gets, inverted by parameter.
module echo #(parameter BROKEN = 0) (input clk, input rx, output reg tx);
    initial tx = 1;
    always @(posedge clk) tx <= rx ^ BROKEN;
endmodule
