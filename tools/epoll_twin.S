// The epoll build of the same sources, as bytes inside the io_uring one.
    .section .rodata
    .balign 16
    .global sluice_epoll_twin_begin
    .global sluice_epoll_twin_end
sluice_epoll_twin_begin:
    .incbin SLUICE_EPOLL_TWIN
sluice_epoll_twin_end:
    .section .note.GNU-stack,"",@progbits
