/*
 * Signals come while files and a pipe are read, while pictures are predicted and while models are loaded. Their
 * handlers do not restart the interrupted call. The answers must be the same as without signals. Usage: signals FOLDER
 */
#define _GNU_SOURCE
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void handler(int number) {
    (void)number;
    interrupted++;
}

static unsigned char *bytes;
static size_t size;
static char pipe_path[4096];

/* Writes slowly, so that the reader waits and is interrupted. */
static void *write_slowly(void *unused) {
    FILE *file;
    size_t at, part = size / 20 + 1;
    sigset_t mask;
    (void)unused;
    /* The signals go to the reader. */
    sigfillset(&mask);
    pthread_sigmask(SIG_BLOCK, &mask, NULL);
    file = fopen(pipe_path, "wb");
    CHECK(file != NULL);
    for (at = 0; file && at < size; at += part) {
        size_t count = size - at < part ? size - at : part;
        CHECK(fwrite(bytes + at, 1, count, file) == count && fflush(file) == 0);
        usleep(5000);
    }
    if (file) {
        fclose(file);
    }
    return NULL;
}

int main(int argc, char **argv) {
    struct sigaction action;
    struct itimerval timer;
    face_predict_model *model = NULL, *other = NULL;
    face_predict_result *result = face_predict_result_new();
    face_predict_options options = FACE_PREDICT_OPTIONS_INIT;
    face_predict_face still, face;
    pthread_t writer;
    int before;
    if (argc != 2) {
        return 2;
    }
    folder = argv[1];
    memset(&still, 0, sizeof still);
    memset(&face, 0, sizeof face);
    options.flags = FACE_PREDICT_CROPPED;
    bytes = read_bytes("crop.png", &size);
    CHECK_OK(face_predict_model_load_default(NULL, &model));
    CHECK_OK(face_predict_file(model, in_folder("crop.png"), &options, result));
    CHECK_OK(face_predict_result_face(result, 0, &still, sizeof still));

    memset(&action, 0, sizeof action);
    action.sa_handler = handler; /* SA_RESTART is not set. */
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    memset(&timer, 0, sizeof timer);
    timer.it_interval.tv_usec = timer.it_value.tv_usec = 1000;
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);

    snprintf(pipe_path, sizeof pipe_path, "%s/pipe_%ld", folder, (long)getpid());
    CHECK(mkfifo(pipe_path, 0600) == 0);
    before = interrupted;
    CHECK(pthread_create(&writer, NULL, write_slowly, NULL) == 0);
    CHECK_OK(face_predict_file(model, pipe_path, &options, result));
    CHECK(pthread_join(writer, NULL) == 0);
    CHECK(interrupted - before > 5);
    CHECK_OK(face_predict_result_face(result, 0, &face, sizeof face));
    CHECK(memcmp(&face, &still, sizeof face) == 0);
    unlink(pipe_path);

    before = interrupted;
    CHECK_OK(face_predict_model_load_file(in_folder("age.onnx"), NULL, &other));
    CHECK_OK(face_predict_file(model, in_folder("portrait.jpg"), NULL, result));
    CHECK(face_predict_result_count(result) > 0);
    CHECK_OK(face_predict_file(model, in_folder("crop.png"), &options, result));
    CHECK_OK(face_predict_result_face(result, 0, &face, sizeof face));
    CHECK(memcmp(&face, &still, sizeof face) == 0);
    CHECK(interrupted > before);

    face_predict_result_free(result);
    face_predict_model_free(other);
    face_predict_model_free(model);
    free(bytes);
    return failures != 0;
}
