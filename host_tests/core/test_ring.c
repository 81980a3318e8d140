// The ring against a plain list of what was put into it: random lengths, random order of putting and taking, all sizes.
// It owns the promises of ring.h: order, contents, alignment, bounds, room again after records were taken.
#include "check.h"
#include "ring.h"

#define MOST (512)

typedef struct _model_t {
    size_t first;
    size_t count;
    size_t lengths[MOST];
    uint8_t marks[MOST];
} model_t;

static void random_work(size_t size, uint32_t seed) {
    uint64_t *memory = (uint64_t *)exact(size);
    zt_ring_t ring;
    model_t model = { 0 };
    uint8_t mark = 0;
    zt_ring_init(&ring, memory, size);
    for (size_t step = 0; step < 3000; step++) {
        size_t length;
        if (next_random(&seed) % 5 < 3) {
            length = next_random(&seed) % (next_random(&seed) % 4 == 0 ? size + 20 : 60);
            uint8_t *record = model.count < MOST ? zt_ring_put(&ring, length, size) : NULL;
            if (record == NULL) {
                continue;
            }
            CHECK((uintptr_t)record % ZT_RING_ALIGNMENT == 0);
            memset(record, ++mark, length);
            size_t at = (model.first + model.count++) % MOST;
            model.lengths[at] = length;
            model.marks[at] = mark;
        } else {
            uint8_t *record = zt_ring_peek(&ring, &length);
            CHECK((record != NULL) == (model.count > 0));
            if (record != NULL) {
                CHECK(length == model.lengths[model.first]);
                for (size_t i = 0; i < length; i++) {
                    CHECK(record[i] == model.marks[model.first]);
                }
                model.first = (model.first + 1) % MOST;
                model.count--;
            }
            zt_ring_drop(&ring);
        }
        CHECK(ring.used <= size);
        CHECK((ring.used == 0) == (model.count == 0));
    }
    free(memory);
}

static void records_come_out_in_order_and_whole(void) {
    for (size_t size = 0; size < 300; size++) {
        random_work(size, (uint32_t)size + 1);
    }
    random_work(10000, 77);
}

static void an_empty_ring_takes_one_record_as_large_as_itself(void) {
    uint64_t memory[8];
    zt_ring_t ring;
    size_t length;
    zt_ring_init(&ring, memory, sizeof(memory));
    for (size_t round = 0; round < 10; round++) {
        CHECK(zt_ring_put(&ring, sizeof(memory) - ZT_RING_OVERHEAD, sizeof(memory)) != NULL);
        CHECK(zt_ring_put(&ring, 0, sizeof(memory)) == NULL);
        CHECK(zt_ring_peek(&ring, &length) != NULL && length == sizeof(memory) - ZT_RING_OVERHEAD);
        zt_ring_drop(&ring);
        CHECK(zt_ring_put(&ring, 3, sizeof(memory)) != NULL); // so that the next round begins elsewhere
        zt_ring_drop(&ring);
    }
    CHECK(zt_ring_put(&ring, SIZE_MAX, SIZE_MAX) == NULL);
    CHECK(zt_ring_put(&ring, SIZE_MAX - 20, SIZE_MAX) == NULL);
}

static void a_limit_keeps_the_rest_for_others(void) {
    uint64_t memory[32];
    zt_ring_t ring;
    zt_ring_init(&ring, memory, sizeof(memory));
    size_t bulk = 0, control = 0;
    while (zt_ring_put(&ring, 24, sizeof(memory) / 2) != NULL) {
        bulk++;
    }
    while (zt_ring_put(&ring, 24, sizeof(memory)) != NULL) {
        control++;
    }
    CHECK(bulk == 4);
    CHECK(control == 4);
}

int main(void) {
    RUN(records_come_out_in_order_and_whole);
    RUN(an_empty_ring_takes_one_record_as_large_as_itself);
    RUN(a_limit_keeps_the_rest_for_others);
    return 0;
}
