/* A JSON reader for the tests. It reads whole documents, and compiles as C99 and as C++17. */
#ifndef FACE_PREDICT_TESTS_JSON_H
#define FACE_PREDICT_TESTS_JSON_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct json {
    char kind;      /* 'n'ull, 'b'oolean, '0' number, '"' string, '[' array, '{' object */
    double number;  /* Booleans have 0 or 1 here, too. */
    char *string;   /* The text is UTF-8. */
    char *key;      /* The name within the object that contains it. */
    struct json *first, *next;
} json;

static inline void json_die(const char *what) {
    fprintf(stderr, "json: %s\n", what);
    exit(2);
}

static inline void json_blank(const char **at) {
    *at += strspn(*at, " \t\r\n");
}

static inline char *json_text(const char **at) {
    char *out = (char *)malloc(strlen(*at) + 1), *end = out;
    if (!out || *(*at)++ != '"') {
        json_die("a string is missing");
    }
    for (; **at != '"'; (*at)++) {
        if (!**at || (**at == '\\' && !strchr("\"\\/", (*at)[1]))) {
            json_die("a string does not end, or has an escape that the tests do not use");
        }
        *at += **at == '\\';
        *end++ = **at;
    }
    (*at)++;
    *end = '\0';
    return out;
}

static inline json *json_value(const char **at) {
    json *value = (json *)calloc(1, sizeof *value);
    json_blank(at);
    if (!value) {
        json_die("no memory");
    }
    value->kind = **at;
    if (**at == '"') {
        value->string = json_text(at);
    } else if (**at == '[' || **at == '{') {
        const char close = **at == '[' ? ']' : '}';
        json **last = &value->first;
        for ((*at)++, json_blank(at); **at != close; json_blank(at)) {
            char *key = NULL;
            if (close == '}') {
                key = json_text(at);
                json_blank(at);
                if (*(*at)++ != ':') {
                    json_die("':' is missing");
                }
            }
            *last = json_value(at);
            (*last)->key = key;
            last = &(*last)->next;
            json_blank(at);
            if (**at == ',') {
                (*at)++;
            } else if (**at != close) {
                json_die("',' is missing");
            }
        }
        (*at)++;
    } else if (strncmp(*at, "null", 4) == 0) {
        *at += 4;
    } else if (strncmp(*at, "true", 4) == 0) {
        value->kind = 'b';
        value->number = 1;
        *at += 4;
    } else if (strncmp(*at, "false", 5) == 0) {
        value->kind = 'b';
        *at += 5;
    } else {
        char *end;
        value->kind = '0';
        value->number = strtod(*at, &end);
        if (end == *at) {
            json_die("a value is missing");
        }
        *at = end;
    }
    return value;
}

/* Reads a whole file. It exits with a message if there is none. */
static inline char *json_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    char *data = NULL;
    size_t length = 0, capacity = 0, got;
    if (!file) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(2);
    }
    do {
        if (length + 1 >= capacity) {
            capacity = capacity ? 2 * capacity : 65536;
            data = (char *)realloc(data, capacity);
            if (!data) {
                json_die("no memory");
            }
        }
        got = fread(data + length, 1, capacity - 1 - length, file);
        length += got;
    } while (got);
    fclose(file);
    data[length] = '\0';
    if (size) {
        *size = length;
    }
    return data;
}

static inline json *json_load(const char *path) {
    char *text = json_file(path, NULL);
    const char *at = text;
    json *value = json_value(&at);
    json_blank(&at);
    if (*at) {
        json_die("something follows the document");
    }
    free(text);
    return value;
}

/* Returns the member of an object, or NULL. */
static inline const json *json_get(const json *object, const char *key) {
    const json *member;
    for (member = object ? object->first : NULL; member; member = member->next) {
        if (member->key && strcmp(member->key, key) == 0) {
            return member;
        }
    }
    return NULL;
}

static inline double json_number_or(const json *object, const char *key, double otherwise) {
    const json *member = json_get(object, key);
    return member && (member->kind == '0' || member->kind == 'b') ? member->number : otherwise;
}

static inline const char *json_string_or(const json *object, const char *key, const char *otherwise) {
    const json *member = json_get(object, key);
    return member && member->string ? member->string : otherwise;
}

static inline size_t json_count(const json *array) {
    size_t count = 0;
    const json *item;
    for (item = array ? array->first : NULL; item; item = item->next) {
        count++;
    }
    return count;
}

static inline void json_free(json *value) {
    while (value) {
        json *next = value->next;
        json_free(value->first);
        free(value->string);
        free(value->key);
        free(value);
        value = next;
    }
}

#endif
