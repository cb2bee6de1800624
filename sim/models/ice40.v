// iCE40 cells that Yosys has no behaviour for: pads by direction, and nextpnr's cells.
// The PLLs hand their reference clock on, so that one period of the pin is one period of the core, and lock at once.

// PIN_TYPE (Lattice "iCE40 Technology Library"): [1:0] = 01 input, 00 registered input; [5:2] = 0110 output, 0101 registered.
module SB_IO_INPUT(
    input PACKAGE_PIN, LATCH_INPUT_VALUE, CLOCK_ENABLE, INPUT_CLK, OUTPUT_CLK, OUTPUT_ENABLE, D_OUT_0, D_OUT_1,
    output D_IN_0, D_IN_1
);
    parameter [5:0] PIN_TYPE = 6'b000001;
    parameter [0:0] PULLUP = 1'b0;
    parameter [0:0] NEG_TRIGGER = 1'b0;
    parameter IO_STANDARD = "SB_LVCMOS";

    reg registered = 0;
    wire clock = INPUT_CLK ^ NEG_TRIGGER;
    always @(posedge clock) if (CLOCK_ENABLE) registered <= PACKAGE_PIN;
    assign D_IN_0 = PIN_TYPE[1:0] == 2'b01 ? PACKAGE_PIN : PIN_TYPE[1:0] == 2'b00 ? registered : 1'bx;
    assign D_IN_1 = 1'bx;
endmodule

module SB_IO_OUTPUT(
    output PACKAGE_PIN,
    input LATCH_INPUT_VALUE, CLOCK_ENABLE, INPUT_CLK, OUTPUT_CLK, OUTPUT_ENABLE, D_OUT_0, D_OUT_1,
    output D_IN_0, D_IN_1
);
    parameter [5:0] PIN_TYPE = 6'b011001;
    parameter [0:0] PULLUP = 1'b0;
    parameter [0:0] NEG_TRIGGER = 1'b0;
    parameter IO_STANDARD = "SB_LVCMOS";

    reg registered = 0;
    wire clock = OUTPUT_CLK ^ NEG_TRIGGER;
    always @(posedge clock) if (CLOCK_ENABLE) registered <= D_OUT_0;
    assign PACKAGE_PIN = PIN_TYPE[5:2] == 4'b0110 ? D_OUT_0 : PIN_TYPE[5:2] == 4'b0101 ? registered : 1'bx;
    assign D_IN_0 = PIN_TYPE[1:0] == 2'b01 ? PACKAGE_PIN : 1'bx;
    assign D_IN_1 = 1'bx;
endmodule

// A logic cell: table, carry and flip-flop.
module ICESTORM_LC(input I0, I1, I2, I3, CIN, CLK, CEN, SR, output LO, O, COUT);
    parameter [15:0] LUT_INIT = 0;
    parameter [0:0] NEG_CLK = 0;
    parameter [0:0] CARRY_ENABLE = 0;
    parameter [0:0] DFF_ENABLE = 0;
    parameter [0:0] SET_NORESET = 0;
    parameter [0:0] ASYNC_SR = 0;
    parameter [0:0] CIN_CONST = 0;
    parameter [0:0] CIN_SET = 0;

    wire carry = CIN_CONST ? CIN_SET : CIN;
    assign COUT = CARRY_ENABLE ? (I1 & I2) | ((I1 | I2) & carry) : 1'bx;

    wire [7:0] by_3 = I3 ? LUT_INIT[15:8] : LUT_INIT[7:0];
    wire [3:0] by_2 = I2 ? by_3[7:4] : by_3[3:0];
    wire [1:0] by_1 = I1 ? by_2[3:2] : by_2[1:0];
    assign LO = I0 ? by_1[1] : by_1[0];

    generate
        if (!DFF_ENABLE) assign O = LO;
        else begin
            reg q = 0;
            wire clock = CLK ^ NEG_CLK;
            assign O = q;
            if (ASYNC_SR) begin
                always @(posedge clock, posedge SR)
                    if (SR) q <= SET_NORESET;
                    else if (CEN) q <= LO;
            end else begin
                always @(posedge clock) if (CEN) q <= SR ? SET_NORESET : LO;
            end
        end
    endgenerate
endmodule

module ICESTORM_RAM(
    input RCLK, RCLKE, RE, WCLK, WCLKE, WE,
    input RADDR_10, RADDR_9, RADDR_8, RADDR_7, RADDR_6, RADDR_5, RADDR_4, RADDR_3, RADDR_2, RADDR_1, RADDR_0,
    input WADDR_10, WADDR_9, WADDR_8, WADDR_7, WADDR_6, WADDR_5, WADDR_4, WADDR_3, WADDR_2, WADDR_1, WADDR_0,
    input MASK_15, MASK_14, MASK_13, MASK_12, MASK_11, MASK_10, MASK_9, MASK_8, MASK_7, MASK_6, MASK_5, MASK_4, MASK_3, MASK_2,
    MASK_1, MASK_0,
    input WDATA_15, WDATA_14, WDATA_13, WDATA_12, WDATA_11, WDATA_10, WDATA_9, WDATA_8, WDATA_7, WDATA_6, WDATA_5, WDATA_4,
    WDATA_3, WDATA_2, WDATA_1, WDATA_0,
    output RDATA_15, RDATA_14, RDATA_13, RDATA_12, RDATA_11, RDATA_10, RDATA_9, RDATA_8, RDATA_7, RDATA_6, RDATA_5, RDATA_4,
    RDATA_3, RDATA_2, RDATA_1, RDATA_0
);
    parameter READ_MODE = 0;
    parameter WRITE_MODE = 0;
    parameter [0:0] NEG_CLK_R = 0;
    parameter [0:0] NEG_CLK_W = 0;
    parameter [255:0] INIT_0 = 256'd0;
    parameter [255:0] INIT_1 = 256'd0;
    parameter [255:0] INIT_2 = 256'd0;
    parameter [255:0] INIT_3 = 256'd0;
    parameter [255:0] INIT_4 = 256'd0;
    parameter [255:0] INIT_5 = 256'd0;
    parameter [255:0] INIT_6 = 256'd0;
    parameter [255:0] INIT_7 = 256'd0;
    parameter [255:0] INIT_8 = 256'd0;
    parameter [255:0] INIT_9 = 256'd0;
    parameter [255:0] INIT_A = 256'd0;
    parameter [255:0] INIT_B = 256'd0;
    parameter [255:0] INIT_C = 256'd0;
    parameter [255:0] INIT_D = 256'd0;
    parameter [255:0] INIT_E = 256'd0;
    parameter [255:0] INIT_F = 256'd0;

    SB_RAM40_4K #(
        .READ_MODE(READ_MODE), .WRITE_MODE(WRITE_MODE),
        .INIT_0(INIT_0), .INIT_1(INIT_1), .INIT_2(INIT_2), .INIT_3(INIT_3), .INIT_4(INIT_4), .INIT_5(INIT_5), .INIT_6(INIT_6),
        .INIT_7(INIT_7), .INIT_8(INIT_8), .INIT_9(INIT_9), .INIT_A(INIT_A), .INIT_B(INIT_B), .INIT_C(INIT_C), .INIT_D(INIT_D),
        .INIT_E(INIT_E), .INIT_F(INIT_F)
    ) memory (
        .RCLK(RCLK ^ NEG_CLK_R), .RCLKE(RCLKE), .RE(RE), .WCLK(WCLK ^ NEG_CLK_W), .WCLKE(WCLKE), .WE(WE),
        .RADDR({RADDR_10, RADDR_9, RADDR_8, RADDR_7, RADDR_6, RADDR_5, RADDR_4, RADDR_3, RADDR_2, RADDR_1, RADDR_0}),
        .WADDR({WADDR_10, WADDR_9, WADDR_8, WADDR_7, WADDR_6, WADDR_5, WADDR_4, WADDR_3, WADDR_2, WADDR_1, WADDR_0}),
        .MASK({MASK_15, MASK_14, MASK_13, MASK_12, MASK_11, MASK_10, MASK_9, MASK_8, MASK_7, MASK_6, MASK_5, MASK_4, MASK_3,
        MASK_2, MASK_1, MASK_0}),
        .WDATA({WDATA_15, WDATA_14, WDATA_13, WDATA_12, WDATA_11, WDATA_10, WDATA_9, WDATA_8, WDATA_7, WDATA_6, WDATA_5,
        WDATA_4, WDATA_3, WDATA_2, WDATA_1, WDATA_0}),
        .RDATA({RDATA_15, RDATA_14, RDATA_13, RDATA_12, RDATA_11, RDATA_10, RDATA_9, RDATA_8, RDATA_7, RDATA_6, RDATA_5,
        RDATA_4, RDATA_3, RDATA_2, RDATA_1, RDATA_0})
    );
endmodule

module ICESTORM_SPRAM(
    input CLOCK, CHIPSELECT, WREN, STANDBY, SLEEP, POWEROFF,
    input ADDRESS_13, ADDRESS_12, ADDRESS_11, ADDRESS_10, ADDRESS_9, ADDRESS_8, ADDRESS_7, ADDRESS_6, ADDRESS_5, ADDRESS_4,
    ADDRESS_3, ADDRESS_2, ADDRESS_1, ADDRESS_0,
    input DATAIN_15, DATAIN_14, DATAIN_13, DATAIN_12, DATAIN_11, DATAIN_10, DATAIN_9, DATAIN_8, DATAIN_7, DATAIN_6, DATAIN_5,
    DATAIN_4, DATAIN_3, DATAIN_2, DATAIN_1, DATAIN_0,
    input MASKWREN_3, MASKWREN_2, MASKWREN_1, MASKWREN_0,
    output DATAOUT_15, DATAOUT_14, DATAOUT_13, DATAOUT_12, DATAOUT_11, DATAOUT_10, DATAOUT_9, DATAOUT_8, DATAOUT_7, DATAOUT_6,
    DATAOUT_5, DATAOUT_4, DATAOUT_3, DATAOUT_2, DATAOUT_1, DATAOUT_0
);
    SB_SPRAM256KA memory (
        .CLOCK(CLOCK), .CHIPSELECT(CHIPSELECT), .WREN(WREN), .STANDBY(STANDBY), .SLEEP(SLEEP), .POWEROFF(POWEROFF),
        .ADDRESS({ADDRESS_13, ADDRESS_12, ADDRESS_11, ADDRESS_10, ADDRESS_9, ADDRESS_8, ADDRESS_7, ADDRESS_6, ADDRESS_5,
        ADDRESS_4, ADDRESS_3, ADDRESS_2, ADDRESS_1, ADDRESS_0}),
        .DATAIN({DATAIN_15, DATAIN_14, DATAIN_13, DATAIN_12, DATAIN_11, DATAIN_10, DATAIN_9, DATAIN_8, DATAIN_7, DATAIN_6,
        DATAIN_5, DATAIN_4, DATAIN_3, DATAIN_2, DATAIN_1, DATAIN_0}),
        .MASKWREN({MASKWREN_3, MASKWREN_2, MASKWREN_1, MASKWREN_0}),
        .DATAOUT({DATAOUT_15, DATAOUT_14, DATAOUT_13, DATAOUT_12, DATAOUT_11, DATAOUT_10, DATAOUT_9, DATAOUT_8, DATAOUT_7,
        DATAOUT_6, DATAOUT_5, DATAOUT_4, DATAOUT_3, DATAOUT_2, DATAOUT_1, DATAOUT_0})
    );
endmodule

module SB_PLL40_CORE(
    input REFERENCECLK,
    input EXTFEEDBACK, LATCHINPUTVALUE, BYPASS, RESETB, SDI, SCLK,
    input [7:0] DYNAMICDELAY,
    output PLLOUTCORE, PLLOUTGLOBAL, LOCK, SDO
);
    parameter FEEDBACK_PATH = "SIMPLE";
    parameter DELAY_ADJUSTMENT_MODE_FEEDBACK = "FIXED";
    parameter DELAY_ADJUSTMENT_MODE_RELATIVE = "FIXED";
    parameter SHIFTREG_DIV_MODE = 1'b0;
    parameter FDA_FEEDBACK = 4'b0000;
    parameter FDA_RELATIVE = 4'b0000;
    parameter DIVR = 4'b0000;
    parameter DIVF = 7'b0000000;
    parameter DIVQ = 3'b000;
    parameter FILTER_RANGE = 3'b000;
    parameter TEST_MODE = 1'b0;
    parameter EXTERNAL_DIVIDE_FACTOR = 1;
    parameter PLLOUT_SELECT = "GENCLK";
    parameter ENABLE_ICEGATE = 1'b0;
    assign PLLOUTCORE = REFERENCECLK, PLLOUTGLOBAL = REFERENCECLK, LOCK = RESETB, SDO = 1'bx;
endmodule

module SB_PLL40_PAD(
    input PACKAGEPIN,
    input EXTFEEDBACK, LATCHINPUTVALUE, BYPASS, RESETB, SDI, SCLK,
    input [7:0] DYNAMICDELAY,
    output PLLOUTCORE, PLLOUTGLOBAL, LOCK, SDO
);
    parameter FEEDBACK_PATH = "SIMPLE";
    parameter DELAY_ADJUSTMENT_MODE_FEEDBACK = "FIXED";
    parameter DELAY_ADJUSTMENT_MODE_RELATIVE = "FIXED";
    parameter SHIFTREG_DIV_MODE = 1'b0;
    parameter FDA_FEEDBACK = 4'b0000;
    parameter FDA_RELATIVE = 4'b0000;
    parameter DIVR = 4'b0000;
    parameter DIVF = 7'b0000000;
    parameter DIVQ = 3'b000;
    parameter FILTER_RANGE = 3'b000;
    parameter TEST_MODE = 1'b0;
    parameter EXTERNAL_DIVIDE_FACTOR = 1;
    parameter PLLOUT_SELECT = "GENCLK";
    parameter ENABLE_ICEGATE = 1'b0;
    assign PLLOUTCORE = PACKAGEPIN, PLLOUTGLOBAL = PACKAGEPIN, LOCK = RESETB, SDO = 1'bx;
endmodule

module SB_PLL40_2_PAD(
    input PACKAGEPIN,
    input EXTFEEDBACK, LATCHINPUTVALUE, BYPASS, RESETB, SDI, SCLK,
    input [7:0] DYNAMICDELAY,
    output PLLOUTCOREA, PLLOUTGLOBALA, PLLOUTCOREB, PLLOUTGLOBALB, LOCK, SDO
);
    parameter FEEDBACK_PATH = "SIMPLE";
    parameter DELAY_ADJUSTMENT_MODE_FEEDBACK = "FIXED";
    parameter DELAY_ADJUSTMENT_MODE_RELATIVE = "FIXED";
    parameter SHIFTREG_DIV_MODE = 1'b0;
    parameter FDA_FEEDBACK = 4'b0000;
    parameter FDA_RELATIVE = 4'b0000;
    parameter DIVR = 4'b0000;
    parameter DIVF = 7'b0000000;
    parameter DIVQ = 3'b000;
    parameter FILTER_RANGE = 3'b000;
    parameter TEST_MODE = 1'b0;
    parameter EXTERNAL_DIVIDE_FACTOR = 1;
    parameter PLLOUT_SELECT_PORTA = "GENCLK";
    parameter PLLOUT_SELECT_PORTB = "GENCLK";
    parameter ENABLE_ICEGATE_PORTA = 1'b0;
    parameter ENABLE_ICEGATE_PORTB = 1'b0;
    assign PLLOUTCOREA = PACKAGEPIN, PLLOUTGLOBALA = PACKAGEPIN, PLLOUTCOREB = PACKAGEPIN, PLLOUTGLOBALB = PACKAGEPIN;
    assign LOCK = RESETB, SDO = 1'bx;
endmodule

module SB_PLL40_2F_CORE(
    input REFERENCECLK,
    input EXTFEEDBACK, LATCHINPUTVALUE, BYPASS, RESETB, SDI, SCLK,
    input [7:0] DYNAMICDELAY,
    output PLLOUTCOREA, PLLOUTGLOBALA, PLLOUTCOREB, PLLOUTGLOBALB, LOCK, SDO
);
    parameter FEEDBACK_PATH = "SIMPLE";
    parameter DELAY_ADJUSTMENT_MODE_FEEDBACK = "FIXED";
    parameter DELAY_ADJUSTMENT_MODE_RELATIVE = "FIXED";
    parameter SHIFTREG_DIV_MODE = 1'b0;
    parameter FDA_FEEDBACK = 4'b0000;
    parameter FDA_RELATIVE = 4'b0000;
    parameter DIVR = 4'b0000;
    parameter DIVF = 7'b0000000;
    parameter DIVQ = 3'b000;
    parameter FILTER_RANGE = 3'b000;
    parameter TEST_MODE = 1'b0;
    parameter EXTERNAL_DIVIDE_FACTOR = 1;
    parameter PLLOUT_SELECT_PORTA = "GENCLK";
    parameter PLLOUT_SELECT_PORTB = "GENCLK";
    parameter ENABLE_ICEGATE_PORTA = 1'b0;
    parameter ENABLE_ICEGATE_PORTB = 1'b0;
    assign PLLOUTCOREA = REFERENCECLK, PLLOUTGLOBALA = REFERENCECLK, PLLOUTCOREB = REFERENCECLK, PLLOUTGLOBALB = REFERENCECLK;
    assign LOCK = RESETB, SDO = 1'bx;
endmodule

module SB_PLL40_2F_PAD(
    input PACKAGEPIN,
    input EXTFEEDBACK, LATCHINPUTVALUE, BYPASS, RESETB, SDI, SCLK,
    input [7:0] DYNAMICDELAY,
    output PLLOUTCOREA, PLLOUTGLOBALA, PLLOUTCOREB, PLLOUTGLOBALB, LOCK, SDO
);
    parameter FEEDBACK_PATH = "SIMPLE";
    parameter DELAY_ADJUSTMENT_MODE_FEEDBACK = "FIXED";
    parameter DELAY_ADJUSTMENT_MODE_RELATIVE = "FIXED";
    parameter SHIFTREG_DIV_MODE = 1'b0;
    parameter FDA_FEEDBACK = 4'b0000;
    parameter FDA_RELATIVE = 4'b0000;
    parameter DIVR = 4'b0000;
    parameter DIVF = 7'b0000000;
    parameter DIVQ = 3'b000;
    parameter FILTER_RANGE = 3'b000;
    parameter TEST_MODE = 1'b0;
    parameter EXTERNAL_DIVIDE_FACTOR = 1;
    parameter PLLOUT_SELECT_PORTA = "GENCLK";
    parameter PLLOUT_SELECT_PORTB = "GENCLK";
    parameter ENABLE_ICEGATE_PORTA = 1'b0;
    parameter ENABLE_ICEGATE_PORTB = 1'b0;
    assign PLLOUTCOREA = PACKAGEPIN, PLLOUTGLOBALA = PACKAGEPIN, PLLOUTCOREB = PACKAGEPIN, PLLOUTGLOBALB = PACKAGEPIN;
    assign LOCK = RESETB, SDO = 1'bx;
endmodule

module ICESTORM_PLL(
    input REFERENCECLK, EXTFEEDBACK, LATCHINPUTVALUE, BYPASS, RESETB, SDI, SCLK,
    input DYNAMICDELAY_7, DYNAMICDELAY_6, DYNAMICDELAY_5, DYNAMICDELAY_4,
          DYNAMICDELAY_3, DYNAMICDELAY_2, DYNAMICDELAY_1, DYNAMICDELAY_0,
    output PLLOUT_A, PLLOUT_A_GLOBAL, PLLOUT_B, PLLOUT_B_GLOBAL, LOCK, SDO
);
    assign PLLOUT_A = REFERENCECLK, PLLOUT_A_GLOBAL = REFERENCECLK, PLLOUT_B = REFERENCECLK, PLLOUT_B_GLOBAL = REFERENCECLK;
    assign LOCK = RESETB, SDO = 1'bx;
endmodule
