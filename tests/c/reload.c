/*
 * A program loads the library, uses it on its own thread and unloads it, ten times. Its memory must not grow. Usage:
 * reload LIBRARY PICTURE
 */
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <face_predict.h>
#include <pthread.h>
#include <stdio.h>

typedef face_predict_status (*load_function)(const face_predict_model_options *, face_predict_model **);
typedef face_predict_status (*file_function)(const face_predict_model *, const char *, const face_predict_options *,
                                             face_predict_result *);
typedef face_predict_result *(*new_function)(void);
typedef void (*free_result_function)(face_predict_result *);
typedef void (*free_model_function)(face_predict_model *);

static void *library;
static const char *picture;
static int failed;

/* ISO C does not convert a pointer to data into a pointer to a function, but POSIX does. */
#define FUNCTION(type, name)                          \
    type name;                                        \
    *(void **)&name = dlsym(library, "face_predict_" #name)

static void *use(void *unused) {
    FUNCTION(load_function, model_load_default);
    FUNCTION(file_function, file);
    FUNCTION(new_function, result_new);
    FUNCTION(free_result_function, result_free);
    FUNCTION(free_model_function, model_free);
    face_predict_model *model = NULL;
    face_predict_result *result = result_new();
    (void)unused;
    failed |= model_load_default(NULL, &model) != FACE_PREDICT_OK;
    failed |= file(model, picture, NULL, result) != FACE_PREDICT_OK;
    failed |= file(model, "/missing", NULL, result) != FACE_PREDICT_ERROR_IO;
    result_free(result);
    model_free(model);
    return NULL;
}

/* The memory in KB that belongs to this process alone. Pages of files are left out, because the system drops them and
   reads them again when it likes. */
static long resident(void) {
    char line[256];
    long here = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && here < 0 && fgets(line, sizeof line, file)) {
        sscanf(line, "RssAnon: %ld", &here);
    }
    if (file) {
        fclose(file);
    }
    failed |= here < 0;
    return here;
}

int main(int argc, char **argv) {
    long after_two = 0, grown;
    int round;
    if (argc != 3) {
        return 2;
    }
    picture = argv[2];
    for (round = 0; round < 10; round++) {
        pthread_t thread;
        library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        if (!library) {
            fprintf(stderr, "%s\n", dlerror());
            return 1;
        }
        failed |= pthread_create(&thread, NULL, use, NULL) != 0 || pthread_join(thread, NULL) != 0;
        dlclose(library);
        if (round == 1) {
            after_two = resident();
        }
    }
    grown = resident() - after_two;
    if (grown > 4096) {
        fprintf(stderr, "%ld KB more after eight rounds\n", grown);
        failed = 1;
    }
    return failed;
}
