// What the command line of the emulator says to the board, through semihosting: `name=value` words.
// It owns finding a word and no meaning: who asks knows the name.
#include <string.h>

#include "board.h"

#include "shared/runtime/semihosting_rv32.h"

#define MAX_LINE (256)

int virt_setting(const char *name, char *value, size_t size) {
    static char line[MAX_LINE];
    if (mp_semihosting_get_cmdline(line, sizeof(line)) != 0) {
        return -1;
    }
    size_t name_length = strlen(name);
    for (const char *word = line; *word != '\0';) {
        size_t length = strcspn(word, " ");
        if (length > name_length && word[name_length] == '=' && strncmp(word, name, name_length) == 0) {
            length = MIN(length - name_length - 1, size - 1);
            memcpy(value, word + name_length + 1, length);
            value[length] = '\0';
            return (int)length;
        }
        word += length + (word[length] == ' ');
    }
    return -1;
}
