// One unmodified libzt 1.8.4 node with the load of the benchmarks: JSON requests on its input, JSON lines out.
// Owns libzt's side of every measurement, in the smallest process that can hold libzt: no interpreter, no copy, no wait but
// libzt's own. Usage: libzt_bench LIBRARY SHIM HOME PLANET PORT. The requests are those of device_bench.py.
// It never judges a figure: it reports counts and times. libzt has no raw sockets, so nothing here can ping.
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE (1024)
#define TEXT_SIZE (128)
#define PIECE_SIZE (65536) // octets given to one call for TCP
#define DATAGRAM_SIZE (2048)
#define PLANET_SIZE (4096)
#define MAX_ROUND_TRIPS (100000)
#define LAST_ADDRESS (0xffffffffffULL)
#define LOOK_US (20000)
#define S_IN_NS (1000000000LL)
#define US_IN_NS (1000.0)
#define WAIT_S (1) // longest wait for a datagram that must come
#define START_S (3) // longest wait for the first one

// libzt's numbers, which are lwIP's.
#define FAMILY_IPV4 (2)
#define KIND_STREAM (1)
#define KIND_DATAGRAM (2)
#define STATUS_OK (1)
#define CONNECT_MS (30000)

#define END (1) // in the first octet of the datagrams after which an echo or a row is over

// The shared object is an extension module of CPython. What it takes of CPython's data must exist to load it; none is used.
#define STAND_IN(name) __attribute__((visibility("default"))) char name[512]
STAND_IN(PyCFunction_Type);
STAND_IN(PyExc_AttributeError);
STAND_IN(PyExc_IOError);
STAND_IN(PyExc_IndexError);
STAND_IN(PyExc_MemoryError);
STAND_IN(PyExc_OSError);
STAND_IN(PyExc_OverflowError);
STAND_IN(PyExc_RuntimeError);
STAND_IN(PyExc_SyntaxError);
STAND_IN(PyExc_SystemError);
STAND_IN(PyExc_TypeError);
STAND_IN(PyExc_ValueError);
STAND_IN(PyExc_Warning);
STAND_IN(PyExc_ZeroDivisionError);
STAND_IN(PyFloat_Type);
STAND_IN(PyObject_GenericGetAttr);
STAND_IN(PyType_Type);
STAND_IN(_Py_NoneStruct);
STAND_IN(_Py_NotImplementedStruct);

static int (*init_set_roots)(const void *planet, unsigned size);
static int (*init_from_storage)(const char *home);
static int (*init_set_port)(unsigned short port);
static int (*init_allow_secondary_port)(unsigned allowed);
static int (*init_allow_port_mapping)(unsigned allowed);
static int (*node_start)(void);
static uint64_t (*node_get_id)(void);
static int (*net_join)(uint64_t nwid);
static int (*net_get_status)(uint64_t nwid);
static int (*addr_is_assigned)(uint64_t nwid, unsigned family);
static int (*addr_get_str)(uint64_t nwid, unsigned family, char *text, unsigned size);
static int (*new_socket)(int family, int kind, int protocol);
static int (*bind_socket)(int socket, const char *ip, unsigned short port);
static int (*listen_socket)(int socket, int backlog);
static int (*connect_socket)(int socket, const char *ip, unsigned short port, int timeout_ms);
static int (*connect_bsd)(int socket, const void *address, unsigned size);
static int (*accept_socket)(int socket, void *address, unsigned *size);
static int (*close_socket)(int socket);
static int (*set_recv_timeout)(int socket, int s, int us);
static ssize_t (*read_socket)(int socket, void *buffer, size_t size);
static ssize_t (*write_socket)(int socket, const void *buffer, size_t size);
static ssize_t (*send_to)(int socket, const void *buffer, size_t size, int flags, const void *address, unsigned length);
static ssize_t (*receive_from)(int socket, void *buffer, size_t size, int flags, void *address, unsigned *length);

// As in lwIP: with a length octet.
typedef struct _address_t {
    uint8_t length;
    uint8_t family;
    uint8_t port[2];
    uint8_t ip[4];
    uint8_t zero[8];
} address_t;

/******************************************************************************/
// Requests and answers

__attribute__((noreturn)) static void fail(int number, const char *what) {
    printf("{\"id\": %d, \"error\": \"libzt: %s failed\"}\n", number, what);
    exit(1);
}

static int64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * S_IN_NS + time.tv_nsec;
}

static double seconds_since(int64_t begun) {
    return (double)(now_ns() - begun) / S_IN_NS;
}

// The text after `"name": `; the program that asks writes its JSON in this one form.
static const char *field(const char *request, const char *name) {
    char wanted[TEXT_SIZE];
    snprintf(wanted, sizeof(wanted), "\"%s\": ", name);
    const char *found = strstr(request, wanted);
    return found == NULL ? "0" : found + strlen(wanted);
}

static double number_of(const char *request, const char *name) {
    return strtod(field(request, name), NULL);
}

static const char *text_of(const char *request, const char *name, char text[TEXT_SIZE]) {
    const char *start = field(request, name) + 1;
    size_t length = strcspn(start, "\"");
    length = length < TEXT_SIZE ? length : TEXT_SIZE - 1;
    memcpy(text, start, length);
    text[length] = 0;
    return text;
}

static void set_address(address_t *address, const char *ip, int port) {
    *address = (address_t) {
        .length = sizeof(*address), .family = FAMILY_IPV4, .port = { (uint8_t)(port >> 8), (uint8_t)port }
    };
    sscanf(ip, "%hhu.%hhu.%hhu.%hhu", &address->ip[0], &address->ip[1], &address->ip[2], &address->ip[3]);
}

static void say_listening(const char *request) {
    printf("{\"event\": \"listening\", \"port\": %d}\n", (int)number_of(request, "port"));
}

/******************************************************************************/
// TCP

static void tcp_receive(int number, const char *request) {
    static uint8_t piece[PIECE_SIZE];
    int port = (int)number_of(request, "port");
    int listener = new_socket(FAMILY_IPV4, KIND_STREAM, 0);
    if (bind_socket(listener, "0.0.0.0", (unsigned short)port) < 0 || listen_socket(listener, 1) < 0) {
        fail(number, "listen");
    }
    say_listening(request);
    int connection = accept_socket(listener, NULL, NULL);
    if (connection < 0) {
        fail(number, "accept");
    }
    uint64_t received = 0;
    int64_t begun = 0;
    for (;;) {
        ssize_t size = read_socket(connection, piece, sizeof(piece));
        if (begun == 0) {
            begun = now_ns();
        }
        if (size <= 0) {
            break;
        }
        received += (uint64_t)size;
    }
    double seconds = seconds_since(begun);
    close_socket(connection);
    close_socket(listener);
    printf("{\"id\": %d, \"octets\": %llu, \"seconds\": %.6f}\n", number, (unsigned long long)received, seconds);
}

static void tcp_send(int number, const char *request) {
    static uint8_t piece[PIECE_SIZE];
    char ip[TEXT_SIZE];
    double limit = number_of(request, "seconds");
    int connection = new_socket(FAMILY_IPV4, KIND_STREAM, 0);
    text_of(request, "ip", ip);
    if (connect_socket(connection, ip, (unsigned short)number_of(request, "port"), CONNECT_MS) < 0) {
        fail(number, "connect");
    }
    uint64_t sent = 0;
    int64_t begun = now_ns();
    while (seconds_since(begun) < limit) {
        ssize_t size = write_socket(connection, piece, sizeof(piece));
        if (size <= 0) {
            fail(number, "write");
        }
        sent += (uint64_t)size;
    }
    close_socket(connection);
    printf("{\"id\": %d, \"octets\": %llu, \"seconds\": %.6f}\n", number, (unsigned long long)sent, seconds_since(begun));
}

/******************************************************************************/
// Round trips

static int compare(const void *one, const void *other) {
    int64_t difference = *(const int64_t *)one - *(const int64_t *)other;
    return difference < 0 ? -1 : difference > 0;
}

static void say_round_trips(int number, int64_t *times, int count, int lost) {
    qsort(times, (size_t)count, sizeof(*times), compare);
    double median = count == 0 ? 0 : (double)times[count / 2] / US_IN_NS;
    printf("{\"id\": %d, \"us\": %.2f, \"count\": %d, \"lost\": %d}\n", number, median, count, lost);
}

static int open_udp(int number, int port) {
    int udp = new_socket(FAMILY_IPV4, KIND_DATAGRAM, 0);
    if (udp < 0 || bind_socket(udp, "0.0.0.0", (unsigned short)port) < 0) {
        fail(number, "a UDP socket");
    }
    return udp;
}

static int connect_udp(int number, const char *request) {
    char ip[TEXT_SIZE];
    address_t target;
    set_address(&target, text_of(request, "ip", ip), (int)number_of(request, "port"));
    int udp = open_udp(number, (int)number_of(request, "back"));
    if (connect_bsd(udp, &target, sizeof(target)) < 0 || set_recv_timeout(udp, WAIT_S, 0) < 0) {
        fail(number, "connect of a UDP socket");
    }
    return udp;
}

// Sends every datagram back until one that begins with END comes, or none.
static void udp_echo(int number, const char *request) {
    uint8_t datagram[DATAGRAM_SIZE];
    int udp = open_udp(number, (int)number_of(request, "port"));
    set_recv_timeout(udp, START_S, 0);
    say_listening(request);
    uint32_t count = 0;
    for (;;) {
        address_t source;
        unsigned length = sizeof(source);
        ssize_t size = receive_from(udp, datagram, sizeof(datagram), 0, &source, &length);
        if (size <= 0 || datagram[0] == END) {
            break;
        }
        send_to(udp, datagram, (size_t)size, 0, &source, length);
        count++;
    }
    close_socket(udp);
    printf("{\"id\": %d, \"count\": %u}\n", number, count);
}

static void udp_round_trips(int number, const char *request) {
    uint8_t datagram[DATAGRAM_SIZE] = { 0 };
    int64_t *times = calloc(MAX_ROUND_TRIPS, sizeof(*times));
    size_t size = (size_t)number_of(request, "size");
    double limit = number_of(request, "seconds");
    int udp = connect_udp(number, request);
    int count = 0, lost = 0;
    int64_t started = now_ns();
    while (seconds_since(started) < limit && count < MAX_ROUND_TRIPS) {
        int64_t begun = now_ns();
        write_socket(udp, datagram, size);
        if (read_socket(udp, datagram, sizeof(datagram)) <= 0) {
            lost++;
        } else {
            times[count++] = now_ns() - begun;
        }
    }
    datagram[0] = END;
    write_socket(udp, datagram, size);
    close_socket(udp);
    say_round_trips(number, times, count, lost);
    free(times);
}

/******************************************************************************/
// Datagrams in one direction: at most `window` are on the way, and every `every` are acknowledged by their number. Those that
// begin with END close the row: as many as are acknowledged at once.

#define ACKNOWLEDGEMENT_SIZE (4)

static void udp_receive(int number, const char *request) {
    uint8_t datagram[DATAGRAM_SIZE];
    uint32_t every = (uint32_t)number_of(request, "every");
    int udp = open_udp(number, (int)number_of(request, "port"));
    set_recv_timeout(udp, START_S, 0);
    say_listening(request);
    uint32_t received = 0;
    int64_t begun = 0, last = 0;
    for (;;) {
        address_t source;
        unsigned length = sizeof(source);
        if (receive_from(udp, datagram, sizeof(datagram), 0, &source, &length) <= 0 || datagram[0] == END) {
            break;
        }
        begun = begun == 0 ? now_ns() : begun;
        if (++received % every == 0) {
            last = now_ns();
            const uint8_t acknowledgement[ACKNOWLEDGEMENT_SIZE] = {
                (uint8_t)(received >> 24), (uint8_t)(received >> 16), (uint8_t)(received >> 8), (uint8_t)received
            };
            send_to(udp, acknowledgement, sizeof(acknowledgement), 0, &source, length);
        }
    }
    close_socket(udp);
    double seconds = (double)(last - begun) / S_IN_NS;
    printf("{\"id\": %d, \"received\": %u, \"seconds\": %.6f}\n", number, received, seconds);
}

static void udp_send(int number, const char *request) {
    uint8_t datagram[DATAGRAM_SIZE] = { 0 };
    size_t size = (size_t)number_of(request, "size");
    uint32_t window = (uint32_t)number_of(request, "window");
    double limit = number_of(request, "seconds");
    int udp = connect_udp(number, request);
    uint32_t sent = 0, acknowledged = 0;
    int64_t begun = now_ns();
    for (;;) {
        bool is_over = seconds_since(begun) >= limit;
        while (!is_over && sent - acknowledged < window) {
            if (write_socket(udp, datagram, size) != (ssize_t)size) {
                fail(number, "send");
            }
            sent++;
        }
        uint8_t octets[ACKNOWLEDGEMENT_SIZE];
        if (sent == acknowledged || read_socket(udp, octets, sizeof(octets)) != sizeof(octets)) {
            break;
        }
        acknowledged = (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 | octets[3];
    }
    datagram[0] = END;
    for (uint32_t i = 0; i < (uint32_t)number_of(request, "every"); ++i) {
        write_socket(udp, datagram, size);
    }
    close_socket(udp);
    printf("{\"id\": %d, \"sent\": %u, \"acknowledged\": %u}\n", number, sent, acknowledged);
}

/******************************************************************************/
// The node

static void join(int number, const char *request) {
    char nwid[TEXT_SIZE];
    if (net_join(strtoull(text_of(request, "nwid", nwid), NULL, 16)) < 0) {
        fail(number, "join");
    }
    printf("{\"id\": %d}\n", number);
}

static void network(int number, const char *request) {
    char text[TEXT_SIZE] = "";
    uint64_t nwid = strtoull(text_of(request, "nwid", text), NULL, 16);
    text[0] = 0;
    if (net_get_status(nwid) == STATUS_OK && addr_is_assigned(nwid, FAMILY_IPV4) == 1) {
        addr_get_str(nwid, FAMILY_IPV4, text, sizeof(text) - 1);
    }
    printf("{\"id\": %d, \"ip\": \"%s\"}\n", number, text);
}

static const struct {
    const char *name;
    void (*run)(int number, const char *request);
} requests[] = {
    { "join", join },
    { "network", network },
    { "tcp_receive", tcp_receive },
    { "tcp_send", tcp_send },
    { "udp_echo", udp_echo },
    { "udp_round_trips", udp_round_trips },
    { "udp_receive", udp_receive },
    { "udp_send", udp_send },
};

static void load(const char *library_path, const char *shim_path) {
    const struct {
        const char *name;
        void *pointer;
    } functions[] = {
        { "zts_init_set_roots", &init_set_roots },
        { "zts_init_from_storage", &init_from_storage },
        { "zts_init_set_port", &init_set_port },
        { "zts_init_allow_secondary_port", &init_allow_secondary_port },
        { "zts_init_allow_port_mapping", &init_allow_port_mapping },
        { "zts_node_start", &node_start },
        { "zts_node_get_id", &node_get_id },
        { "zts_net_join", &net_join },
        { "zts_net_get_status", &net_get_status },
        { "zts_addr_is_assigned", &addr_is_assigned },
        { "zts_addr_get_str", &addr_get_str },
        { "zts_bsd_socket", &new_socket },
        { "zts_bind", &bind_socket },
        { "zts_listen", &listen_socket },
        { "zts_connect", &connect_socket },
        { "zts_bsd_connect", &connect_bsd },
        { "zts_bsd_accept", &accept_socket },
        { "zts_bsd_close", &close_socket },
        { "zts_set_recv_timeout", &set_recv_timeout },
        { "zts_read", &read_socket },
        { "zts_write", &write_socket },
        { "zts_bsd_sendto", &send_to },
        { "zts_bsd_recvfrom", &receive_from },
    };
    void *library = NULL;
    if (dlopen(shim_path, RTLD_NOW | RTLD_GLOBAL) == NULL || (library = dlopen(library_path, RTLD_LAZY)) == NULL) {
        printf("libzt cannot be loaded: %s\n", dlerror());
        exit(1);
    }
    for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); ++i) {
        void *function = dlsym(library, functions[i].name);
        if (function == NULL) {
            printf("libzt has no function %s\n", functions[i].name);
            exit(1);
        }
        memcpy(functions[i].pointer, &function, sizeof(function));
    }
}

static void start(const char *home, const char *planet_path, int port) {
    static uint8_t planet[PLANET_SIZE];
    FILE *file = fopen(planet_path, "rb");
    size_t size = file == NULL ? 0 : fread(planet, 1, sizeof(planet), file);
    if (file != NULL) {
        fclose(file);
    }
    if (init_set_roots(planet, (unsigned)size) < 0 || init_from_storage(home) < 0 || init_set_port((unsigned short)port) < 0
        || init_allow_secondary_port(0) < 0 || init_allow_port_mapping(0) < 0 || node_start() < 0) {
        printf("libzt does not start\n");
        exit(1);
    }
    uint64_t address = 0;
    while (address == 0 || address > LAST_ADDRESS) {
        usleep(LOOK_US);
        address = node_get_id();
    }
    printf("{\"event\": \"up\", \"address\": \"%010llx\"}\n", (unsigned long long)address);
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: libzt_bench LIBRARY SHIM HOME PLANET PORT\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    load(argv[1], argv[2]);
    start(argv[3], argv[4], atoi(argv[5]));
    char line[LINE_SIZE];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        char name[TEXT_SIZE];
        int number = (int)number_of(line, "id");
        text_of(line, "do", name);
        for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); ++i) {
            if (strcmp(requests[i].name, name) == 0) {
                requests[i].run(number, line);
            }
        }
    }
    _exit(0); // libzt's threads would hold up an ordinary exit
}
