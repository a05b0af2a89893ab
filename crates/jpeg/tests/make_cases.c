/*
 * Writes the small pictures of cases/ and what libjpeg-turbo decodes of them at each scale:
 *
 *     cc make_cases.c -ljpeg -lm -o make_cases && ./make_cases cases
 *
 * NAME.jpg is the picture. NAME.raw holds its pixels: whole, at half, at a quarter and at an eighth, one after the
 * other.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

struct kind {
    const char *name;
    int width, height;
    /* The sampling factors of each component across and down. 0 ends the list. */
    int sampling[8];
    J_COLOR_SPACE stored;
    int progressive, restart, separate, arithmetic, optimised, quality;
};

static const struct kind KINDS[] = {
    {"444", 61, 45, {1, 1, 1, 1, 1, 1}, JCS_YCbCr, 0, 0, 0, 0, 0, 90},
    {"422", 61, 45, {2, 1, 1, 1, 1, 1}, JCS_YCbCr, 0, 0, 0, 0, 0, 90},
    {"440", 61, 45, {1, 2, 1, 1, 1, 1}, JCS_YCbCr, 0, 0, 0, 0, 0, 90},
    {"420", 61, 45, {2, 2, 1, 1, 1, 1}, JCS_YCbCr, 0, 0, 0, 0, 0, 90},
    {"411", 61, 45, {4, 1, 1, 1, 1, 1}, JCS_YCbCr, 0, 0, 0, 0, 0, 90},
    {"410", 61, 45, {4, 2, 1, 1, 1, 1}, JCS_YCbCr, 0, 0, 0, 0, 0, 90},
    {"311", 61, 45, {3, 1, 1, 1, 1, 1}, JCS_YCbCr, 0, 0, 0, 0, 0, 90},
    {"131", 61, 45, {1, 3, 1, 1, 1, 1}, JCS_YCbCr, 0, 0, 0, 0, 0, 90},
    {"fine_chroma", 61, 45, {1, 1, 2, 2, 2, 2}, JCS_YCbCr, 0, 0, 0, 0, 0, 90},
    {"one_fine_chroma", 61, 45, {1, 2, 2, 1, 1, 1}, JCS_YCbCr, 0, 0, 0, 0, 0, 90},
    {"separate", 61, 45, {2, 2, 1, 1, 1, 1}, JCS_YCbCr, 0, 0, 1, 0, 0, 90},
    {"separate_restarts", 61, 45, {2, 1, 1, 1, 1, 1}, JCS_YCbCr, 0, 3, 1, 0, 1, 80},
    {"restarts", 61, 45, {2, 2, 1, 1, 1, 1}, JCS_YCbCr, 0, 1, 0, 0, 0, 90},
    {"gray", 61, 45, {1, 1}, JCS_GRAYSCALE, 0, 0, 0, 0, 0, 90},
    {"gray_2x2", 61, 45, {2, 2}, JCS_GRAYSCALE, 0, 0, 0, 0, 0, 90},
    {"rgb", 61, 45, {1, 1, 1, 1, 1, 1}, JCS_RGB, 0, 0, 0, 0, 0, 90},
    {"cmyk", 61, 45, {1, 1, 1, 1, 1, 1, 1, 1}, JCS_CMYK, 0, 0, 0, 0, 0, 90},
    {"ycck", 61, 45, {2, 2, 1, 1, 1, 1, 2, 2}, JCS_YCCK, 0, 0, 0, 0, 0, 90},
    {"progressive", 61, 45, {2, 2, 1, 1, 1, 1}, JCS_YCbCr, 1, 0, 0, 0, 1, 90},
    {"progressive_444", 61, 45, {1, 1, 1, 1, 1, 1}, JCS_YCbCr, 1, 0, 0, 0, 1, 98},
    {"progressive_restarts", 61, 45, {2, 1, 1, 1, 1, 1}, JCS_YCbCr, 1, 2, 0, 0, 1, 85},
    {"progressive_gray", 61, 45, {1, 1}, JCS_GRAYSCALE, 1, 0, 0, 0, 1, 75},
    {"fine", 29, 23, {1, 1, 1, 1, 1, 1}, JCS_YCbCr, 0, 0, 0, 0, 1, 100},
    {"coarse", 61, 45, {2, 2, 1, 1, 1, 1}, JCS_YCbCr, 0, 0, 0, 0, 0, 5},
    {"one_pixel", 1, 1, {2, 2, 1, 1, 1, 1}, JCS_YCbCr, 0, 0, 0, 0, 0, 90},
    {"narrow", 3, 40, {2, 2, 1, 1, 1, 1}, JCS_YCbCr, 0, 0, 0, 0, 0, 90},
    {"flat", 40, 3, {2, 1, 1, 1, 1, 1}, JCS_YCbCr, 0, 0, 0, 0, 0, 90},
    {"arithmetic", 29, 23, {1, 1, 1, 1, 1, 1}, JCS_YCbCr, 0, 0, 0, 1, 0, 90},
};

/* The picture has waves that become finer from corner to corner, an edge, and some grain. */
static unsigned char pixel(int x, int y, int channel) {
    unsigned grain = (unsigned)(x * 73856093 ^ y * 19349663 ^ channel * 83492791);
    double wave = sin((x * (1 + channel) + y * (3 - channel)) * 0.004 * (x + y));
    double edge = (x - 30) * (x - 30) + (y - 20) * (y - 20) < 150 ? 70 : 0;
    double value = 120 + 60 * wave + (channel == 0 ? edge : -edge / 2) + grain % 13;
    return value < 0 ? 0 : value > 255 ? 255 : (unsigned char)value;
}

static unsigned long encode(const struct kind *kind, unsigned char **bytes) {
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    unsigned long size = 0;
    jpeg_scan_info scans[4];
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, bytes, &size);
    info.image_width = kind->width;
    info.image_height = kind->height;
    int ink = kind->stored == JCS_CMYK || kind->stored == JCS_YCCK;
    int gray = kind->stored == JCS_GRAYSCALE;
    info.input_components = gray ? 1 : ink ? 4 : 3;
    info.in_color_space = gray ? JCS_GRAYSCALE : ink ? JCS_CMYK : JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_colorspace(&info, kind->stored);
    jpeg_set_quality(&info, kind->quality, TRUE);
    info.restart_interval = kind->restart;
    info.arith_code = kind->arithmetic;
    info.optimize_coding = kind->optimised;
    for (int i = 0; i < info.num_components; i++) {
        info.comp_info[i].h_samp_factor = kind->sampling[2 * i];
        info.comp_info[i].v_samp_factor = kind->sampling[2 * i + 1];
    }
    if (kind->progressive)
        jpeg_simple_progression(&info);
    if (kind->separate) {
        memset(scans, 0, sizeof scans);
        for (int i = 0; i < info.num_components; i++) {
            scans[i].comps_in_scan = 1;
            scans[i].component_index[0] = i;
            scans[i].Se = 63;
        }
        info.scan_info = scans;
        info.num_scans = info.num_components;
    }
    jpeg_start_compress(&info, TRUE);
    unsigned char row[61 * 4];
    while (info.next_scanline < info.image_height) {
        for (int x = 0; x < kind->width; x++)
            for (int c = 0; c < info.input_components; c++)
                row[x * info.input_components + c] = pixel(x, info.next_scanline, c);
        JSAMPROW rows[1] = {row};
        jpeg_write_scanlines(&info, rows, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    return size;
}

static void decode(const unsigned char *bytes, unsigned long size, int divisor, FILE *out) {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    info.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, bytes, size);
    jpeg_read_header(&info, TRUE);
    info.scale_num = 1;
    info.scale_denom = divisor;
    if (info.num_components == 4)
        info.out_color_space = JCS_CMYK;
    jpeg_start_decompress(&info);
    unsigned char row[61 * 4];
    JSAMPROW rows[1] = {row};
    while (info.output_scanline < info.output_height) {
        jpeg_read_scanlines(&info, rows, 1);
        for (unsigned x = 0; x < info.output_width; x++) {
            unsigned char *p = row + x * info.output_components;
            if (info.output_components == 4)
                /* It is inverted, as all writers store it. */
                for (int c = 0; c < 3; c++)
                    fputc((p[c] * p[3] + 127) / 255, out);
            else
                fwrite(p, 1, info.output_components, out);
        }
    }
    jpeg_finish_decompress(&info);
    jpeg_destroy_decompress(&info);
}

int main(int argc, char **argv) {
    if (argc != 2)
        return fprintf(stderr, "make_cases FOLDER\n"), 2;
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        char path[512];
        unsigned char *bytes = NULL;
        unsigned long size = encode(&KINDS[i], &bytes);
        snprintf(path, sizeof path, "%s/%s.jpg", argv[1], KINDS[i].name);
        FILE *file = fopen(path, "wb");
        fwrite(bytes, 1, size, file);
        fclose(file);
        if (!KINDS[i].arithmetic) {
            snprintf(path, sizeof path, "%s/%s.raw", argv[1], KINDS[i].name);
            file = fopen(path, "wb");
            for (int divisor = 1; divisor <= 8; divisor *= 2)
                decode(bytes, size, divisor, file);
            fclose(file);
        }
        free(bytes);
    }
    return 0;
}
