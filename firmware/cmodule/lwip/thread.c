// The way into lwIP's own thread; thread.h is the manual.
#include "thread.h"

#if !NO_SYS

#include "lwip/priv/tcpip_priv.h"
#include "lwip/tcpip.h"

#if !LWIP_NETCONN_SEM_PER_THREAD
#error "tcpip_api_call() would make a semaphore each time, and call nothing when there is no memory for it"
#endif

typedef struct _call_t {
    struct tcpip_api_call_data lwip; // first, so that lwIP's pointer is ours
    void (*function)(void *argument);
    void *argument;
} call_t;

static err_t make(struct tcpip_api_call_data *lwip) {
    call_t *call = (call_t *)lwip;
    call->function(call->argument);
    return ERR_OK;
}

void zt_in_lwip(void (*function)(void *argument), void *argument) {
    call_t call = { .function = function, .argument = argument };
    tcpip_api_call(make, &call.lwip);
}

bool zt_hand_to_lwip(struct pbuf *frame, struct netif *netif, netif_input_fn input) {
    bool is_taken = tcpip_inpkt(frame, netif, input) == ERR_OK;
    if (!is_taken) {
        pbuf_free(frame);
    }
    return is_taken;
}

#endif
