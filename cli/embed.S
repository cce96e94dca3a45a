// SPDX-License-Identifier: ISC
// The demo's model, inside the program.
    .section .rodata
    .global cli_demo_model, cli_demo_model_end
    .balign 16
cli_demo_model:
    .incbin "models/demo.onnx"
cli_demo_model_end:
    .section .note.GNU-stack, "", @progbits
