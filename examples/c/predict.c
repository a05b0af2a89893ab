/*
 * predict - estimates age and gender of the faces in pictures.
 *
 *   predict [--json] [--cropped] [--box X,Y,W,H]... [--try-turns] [--model FILE]... [--repeat N]
 *           IMAGE... | @LIST
 *   predict --help | --version
 *
 * Without --box and --cropped the program searches the faces. --try-turns also searches heads that
 * lie on their side or stand upside down. A list is a file with one path in each line. A picture that
 * fails is reported, and the others are still predicted. The program then ends with 1.
 */
#define _POSIX_C_SOURCE 199309L
#include <face_predict.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_BOXES 256
#define MAX_MODELS 16

typedef struct {
    face_predict_model *model;
    face_predict_result *result;
    face_predict_options options;
    int json;
    long repeat;
    int failed;
    double *times; /* The milliseconds of each picture. */
    size_t count, capacity;
} program;

static const char *gender_name(uint32_t gender) {
    switch (gender) {
    case FACE_PREDICT_GENDER_FEMALE: return "female";
    case FACE_PREDICT_GENDER_MALE: return "male";
    default: return "undecided";
    }
}

static void json_string(const char *text) {
    putchar('"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            printf("\\%c", c);
        } else if (c < 0x20) {
            printf("\\u%04x", c);
        } else {
            putchar(c);
        }
    }
    putchar('"');
}

static void json_number(const char *key, float value) {
    if (isnan(value)) {
        printf(", \"%s\": null", key);
    } else {
        printf(", \"%s\": %.6g", key, value);
    }
}

static void json_face(const char *path, size_t index, const face_predict_face *face) {
    const char *comma = "";
    uint32_t flag;
    printf("{\"file\": ");
    json_string(path);
    printf(", \"face\": %lu", (unsigned long)index);
    json_number("x", face->x);
    json_number("y", face->y);
    json_number("width", face->width);
    json_number("height", face->height);
    json_number("score", face->score);
    json_number("age", face->age);
    json_number("age_low", face->age_low);
    json_number("age_high", face->age_high);
    json_number("female_probability", face->female_probability);
    printf(", \"gender\": \"%s\", \"quality\": [", gender_name(face->gender));
    for (flag = 1; flag != 0 && flag <= face->quality; flag <<= 1) {
        if (face->quality & flag) {
            printf("%s\"%s\"", comma, face_predict_quality_text(flag));
            comma = ", ";
        }
    }
    printf("]");
    json_number("yaw", face->yaw);
    json_number("pitch", face->pitch);
    json_number("roll", face->roll);
    printf("}\n");
}

static void readable_face(const char *path, const face_predict_face *face) {
    float probability = face->gender == FACE_PREDICT_GENDER_MALE ? 1 - face->female_probability
                                                                 : face->female_probability;
    printf("%s: face at %.0f,%.0f of %.0fx%.0f: %.0f years (%.0f to %.0f), ", path, face->x, face->y,
           face->width, face->height, face->age, face->age_low, face->age_high);
    if (face->gender == FACE_PREDICT_GENDER_UNDECIDED) {
        printf("gender undecided (female %.0f %%)", probability * 100);
    } else {
        printf("%s (%.0f %%)", gender_name(face->gender), probability * 100);
    }
    printf("%s%s\n", face->quality ? ", " : "", face_predict_quality_text(face->quality));
}

static double milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void keep_time(program *p, double time) {
    if (p->count == p->capacity) {
        size_t capacity = p->capacity ? 2 * p->capacity : 1024;
        double *times = realloc(p->times, capacity * sizeof *times);
        if (!times) {
            return; /* The median of the times that are kept is still a median. */
        }
        p->times = times;
        p->capacity = capacity;
    }
    p->times[p->count++] = time;
}

static void predict(program *p, const char *path) {
    long i;
    size_t index;
    face_predict_status status = FACE_PREDICT_OK;
    for (i = 0; i < p->repeat && status == FACE_PREDICT_OK; i++) {
        double start = milliseconds();
        status = face_predict_file(p->model, path, &p->options, p->result);
        keep_time(p, milliseconds() - start);
    }
    if (status != FACE_PREDICT_OK) {
        p->failed = 1;
        if (p->json) {
            printf("{\"file\": ");
            json_string(path);
            printf(", \"error\": ");
            json_string(face_predict_result_message(p->result));
            printf("}\n");
        } else {
            fprintf(stderr, "predict: %s\n", face_predict_result_message(p->result));
        }
        return;
    }
    if (face_predict_result_count(p->result) == 0 && !p->json) {
        printf("%s: no face\n", path);
    }
    for (index = 0; index < face_predict_result_count(p->result); index++) {
        face_predict_face face;
        if (face_predict_result_face(p->result, index, &face, sizeof face) != FACE_PREDICT_OK) {
            continue;
        }
        if (p->json) {
            json_face(path, index, &face);
        } else {
            readable_face(path, &face);
        }
    }
}

/* Reads a line of any length. Returns NULL at the end. */
static char *read_line(FILE *file) {
    size_t length = 0, capacity = 256;
    char *line = malloc(capacity);
    int c = EOF;
    while (line && (c = getc(file)) != EOF && c != '\n') {
        if (length + 1 == capacity) {
            char *longer = realloc(line, capacity *= 2);
            if (!longer) {
                free(line);
                return NULL;
            }
            line = longer;
        }
        line[length++] = (char)c;
    }
    if (!line || (length == 0 && c == EOF)) {
        free(line);
        return NULL;
    }
    if (length && line[length - 1] == '\r') {
        length--;
    }
    line[length] = '\0';
    return line;
}

static void predict_list(program *p, const char *list) {
    FILE *file = fopen(list, "rb");
    char *line;
    if (!file) {
        fprintf(stderr, "predict: %s cannot be read\n", list);
        p->failed = 1;
        return;
    }
    while ((line = read_line(file)) != NULL) {
        if (*line) {
            predict(p, line);
        }
        free(line);
    }
    /* A folder can be opened, but not read. */
    if (!feof(file) || ferror(file)) {
        fprintf(stderr, "predict: %s cannot be read\n", list);
        p->failed = 1;
    }
    fclose(file);
}

static const char USAGE[] = "usage: predict [--json] [--cropped] [--box X,Y,W,H]... [--try-turns] "
                            "[--model FILE]... [--repeat N] IMAGE... | @LIST\n"
                            "       predict --help | --version\n";

/* `about` is an option, or "". */
static int usage(const char *problem, const char *about) {
    fprintf(stderr, "predict: %s%s\n%s", problem, about, USAGE);
    return 2;
}

int main(int argc, char **argv) {
    static face_predict_region boxes[MAX_BOXES];
    const char *models[MAX_MODELS];
    size_t model_count = 0;
    int i, images = 0;
    face_predict_status status;
    program p;
    static const face_predict_options defaults = FACE_PREDICT_OPTIONS_INIT;
    memset(&p, 0, sizeof p);
    p.options = defaults;
    p.repeat = 1;
    for (i = 1; i < argc; i++) {
        const char *arg = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        char end;
        if (strcmp(arg, "--help") == 0) {
            fputs(USAGE, stdout);
            return 0;
        } else if (strcmp(arg, "--version") == 0) {
            puts(face_predict_version_string());
            return 0;
        } else if (strcmp(arg, "--json") == 0) {
            p.json = 1;
        } else if (strcmp(arg, "--cropped") == 0) {
            p.options.flags |= FACE_PREDICT_CROPPED;
        } else if (strcmp(arg, "--try-turns") == 0) {
            p.options.flags |= FACE_PREDICT_TRY_TURNS;
        } else if (strcmp(arg, "--box") == 0) {
            face_predict_region *box = &boxes[p.options.region_count];
            if (!value || p.options.region_count == MAX_BOXES ||
                sscanf(value, "%f,%f,%f,%f%c", &box->x, &box->y, &box->width, &box->height, &end) != 4) {
                return usage("--box wants X,Y,W,H", "");
            }
            p.options.region_count++;
            p.options.regions = boxes;
            i++;
        } else if (strcmp(arg, "--model") == 0) {
            if (!value || model_count == MAX_MODELS) {
                return usage("--model wants a file", "");
            }
            models[model_count++] = value;
            i++;
        } else if (strcmp(arg, "--repeat") == 0) {
            if (!value || sscanf(value, "%ld%c", &p.repeat, &end) != 1 || p.repeat < 1) {
                return usage("--repeat wants a number from 1", "");
            }
            i++;
        } else if (arg[0] == '-' && arg[1] != '\0') {
            return usage("unknown option ", arg);
        } else {
            argv[images++] = argv[i]; /* The write index never passes the read index. */
        }
    }
    if (images == 0) {
        return usage("no picture", "");
    }
    p.result = face_predict_result_new();
    status = model_count ? face_predict_model_load_files(models, model_count, NULL, &p.model)
                         : face_predict_model_load_default(NULL, &p.model);
    if (!p.result || status != FACE_PREDICT_OK) {
        fprintf(stderr, "predict: %s\n", face_predict_last_error());
        return 1;
    }
    for (i = 0; i < images; i++) {
        if (argv[i][0] == '@') {
            predict_list(&p, argv[i] + 1);
        } else {
            predict(&p, argv[i]);
        }
    }
    if (p.repeat > 1 && p.count > 0) {
        qsort(p.times, p.count, sizeof *p.times, compare);
        fprintf(stderr, "median %.3f ms a picture, decoding included\n", p.times[p.count / 2]);
    }
    /* A full disk shows only when the last lines are written. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "predict: the answers cannot be written\n");
        p.failed = 1;
    }
    free(p.times);
    face_predict_result_free(p.result);
    face_predict_model_free(p.model);
    return p.failed;
}
