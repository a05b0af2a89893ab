/* Decodes files again and again at each scale with libjpeg, and prints the least time: bench_jpeg ROUNDS FILE... */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <jpeglib.h>

static double computed(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void decode(const unsigned char *bytes, size_t size, int divisor) {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    info.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, bytes, size);
    jpeg_read_header(&info, TRUE);
    info.scale_num = 1;
    info.scale_denom = divisor;
    jpeg_start_decompress(&info);
    size_t row = (size_t)info.output_width * info.output_components;
    unsigned char *pixels = malloc(row * info.output_height);
    while (info.output_scanline < info.output_height) {
        JSAMPROW rows[16];
        unsigned count = 0;
        for (; count < 16 && info.output_scanline + count < info.output_height; count++)
            rows[count] = pixels + row * (info.output_scanline + count);
        jpeg_read_scanlines(&info, rows, count);
    }
    free(pixels);
    jpeg_finish_decompress(&info);
    jpeg_destroy_decompress(&info);
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 0;
    for (int i = 2; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file)
            return perror(argv[i]), 1;
        fseek(file, 0, SEEK_END);
        size_t size = (size_t)ftell(file);
        rewind(file);
        unsigned char *bytes = malloc(size);
        if (fread(bytes, 1, size, file) != size)
            return perror(argv[i]), 1;
        fclose(file);
        for (int divisor = 1; divisor <= 8; divisor *= 2) {
            double least = 1e9;
            for (int round = 0; round < rounds; round++) {
                double start = computed();
                decode(bytes, size, divisor);
                double took = computed() - start;
                least = took < least ? took : least;
            }
            printf("%s %d %.3f\n", argv[i], divisor, least);
        }
        free(bytes);
    }
    return 0;
}
