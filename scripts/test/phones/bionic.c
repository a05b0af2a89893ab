/*
 * Functions that Android's C library, bionic, has and musl lacks. With them a static library for Android of 64 bits can
 * be linked with musl and run on Linux. The structs that Rust's standard library passes to both libraries have the same
 * sizes in them, and system calls are the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int *__errno(void) {
    return &errno;
}

int __system_property_get(const char *name, char *value) {
    (void)name;
    value[0] = '\0';
    return 0;
}

/* The linker's --wrap replaces sysconf by this function, because bionic numbers the questions otherwise. */
long __real_sysconf(int name);
long __wrap_sysconf(int name) {
    switch (name) {
    case 0x27: /* _SC_PAGESIZE */
    case 0x28: /* _SC_PAGE_SIZE */
        return __real_sysconf(_SC_PAGESIZE);
    case 0x60: /* _SC_NPROCESSORS_CONF */
        return __real_sysconf(_SC_NPROCESSORS_CONF);
    case 0x61: /* _SC_NPROCESSORS_ONLN */
        return __real_sysconf(_SC_NPROCESSORS_ONLN);
    default:
        fprintf(stderr, "sysconf(%#x) has no answer here\n", (unsigned)name);
        abort();
    }
}
