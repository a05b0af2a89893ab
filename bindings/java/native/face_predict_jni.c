/* The C interface for facepredict.Native. Checks nothing that the library checks; throws FacePredictException. */
#include <face_predict.h>
#include <jni.h>
#include <stdlib.h>
#include <string.h>

#define NATIVE(type, name) JNIEXPORT type JNICALL Java_facepredict_Native_##name

static void raise_status(JNIEnv *env, face_predict_status status, const char *text) {
    /* Messages may hold any UTF-8, JNI's own strings are of another kind: through bytes. */
    const size_t length = strlen(text);
    jclass string_class = (*env)->FindClass(env, "java/lang/String");
    jclass error_class = (*env)->FindClass(env, "facepredict/FacePredictException");
    jmethodID make_string, make_error;
    jbyteArray bytes;
    jstring utf8, message, name;
    jobject error;
    if (!string_class || !error_class) {
        return;
    }
    make_string = (*env)->GetMethodID(env, string_class, "<init>", "([BLjava/lang/String;)V");
    make_error = (*env)->GetMethodID(env, error_class, "<init>", "(ILjava/lang/String;Ljava/lang/String;)V");
    bytes = (*env)->NewByteArray(env, (jsize)length);
    utf8 = (*env)->NewStringUTF(env, "UTF-8");
    name = (*env)->NewStringUTF(env, face_predict_status_name(status));
    if (!make_string || !make_error || !bytes || !utf8 || !name) {
        return;
    }
    (*env)->SetByteArrayRegion(env, bytes, 0, (jsize)length, (const jbyte *)text);
    message = (jstring)(*env)->NewObject(env, string_class, make_string, bytes, utf8);
    if (!message) {
        return;
    }
    error = (*env)->NewObject(env, error_class, make_error, (jint)status, name, message);
    if (error) {
        (*env)->Throw(env, (jthrowable)error);
    }
}

static int failed(JNIEnv *env, face_predict_status status) {
    if (status != FACE_PREDICT_OK) {
        raise_status(env, status, face_predict_last_error());
    }
    return status != FACE_PREDICT_OK;
}

static void *memory(JNIEnv *env, size_t size) {
    void *data = malloc(size ? size : 1);
    if (!data) {
        jclass error = (*env)->FindClass(env, "java/lang/OutOfMemoryError");
        if (error) {
            (*env)->ThrowNew(env, error, "no memory for the arguments of face_predict");
        }
    }
    return data;
}

/* A copy with a zero at its end. */
static char *copy(JNIEnv *env, jbyteArray array, size_t *size) {
    const jsize length = (*env)->GetArrayLength(env, array);
    char *data = memory(env, (size_t)length + 1);
    if (data) {
        (*env)->GetByteArrayRegion(env, array, 0, length, (jbyte *)data);
        data[length] = '\0';
        if (size) {
            *size = (size_t)length;
        }
    }
    return data;
}

/* Options with regions of their own, to be freed; 0 on failure, with an exception. */
static int options_from(JNIEnv *env, face_predict_options *options, jint flags, jint max_faces, jfloat coverage,
                        jfloat threshold, jfloatArray regions) {
    const jsize count = (*env)->GetArrayLength(env, regions);
    face_predict_region *copied = memory(env, (size_t)count * sizeof(jfloat));
    if (!copied) {
        return 0;
    }
    (*env)->GetFloatArrayRegion(env, regions, 0, count, (jfloat *)copied);
    memset(options, 0, sizeof *options);
    options->struct_size = sizeof *options;
    options->flags = (uint32_t)flags;
    options->max_faces = (uint32_t)max_faces;
    options->region_count = (uint32_t)(count / 14);
    options->regions = copied;
    options->age_coverage = coverage;
    options->gender_threshold = threshold;
    return 1;
}

static face_predict_model *model_of(jlong handle) {
    return (face_predict_model *)(uintptr_t)handle;
}

static face_predict_result *result_of(jlong handle) {
    return (face_predict_result *)(uintptr_t)handle;
}

static face_predict_model_options limits(jlong max_pixels) {
    face_predict_model_options options;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.max_pixels = (uint64_t)max_pixels;
    return options;
}

NATIVE(jint, version)(JNIEnv *env, jclass class) {
    (void)env, (void)class;
    return (jint)face_predict_version();
}

NATIVE(jlong, loadDefault)(JNIEnv *env, jclass class, jlong max_pixels) {
    const face_predict_model_options options = limits(max_pixels);
    face_predict_model *model = NULL;
    (void)class;
    failed(env, face_predict_model_load_default(&options, &model));
    return (jlong)(uintptr_t)model;
}

NATIVE(jlong, loadFiles)(JNIEnv *env, jclass class, jobjectArray paths, jlong max_pixels) {
    const face_predict_model_options options = limits(max_pixels);
    const jsize count = (*env)->GetArrayLength(env, paths);
    char **copies = memory(env, (size_t)count * sizeof *copies);
    face_predict_model *model = NULL;
    jsize i, made = 0;
    (void)class;
    for (; copies && made < count; made++) {
        jbyteArray path = (jbyteArray)(*env)->GetObjectArrayElement(env, paths, made);
        copies[made] = copy(env, path, NULL);
        (*env)->DeleteLocalRef(env, path);
        if (!copies[made]) {
            break;
        }
    }
    if (copies && made == count) {
        failed(env, face_predict_model_load_files((const char *const *)copies, (size_t)count, &options, &model));
    }
    for (i = 0; i < made; i++) {
        free(copies[i]);
    }
    free(copies);
    return (jlong)(uintptr_t)model;
}

NATIVE(jlong, loadMemory)(JNIEnv *env, jclass class, jbyteArray bytes, jlong max_pixels) {
    const face_predict_model_options options = limits(max_pixels);
    face_predict_model *model = NULL;
    size_t size = 0;
    char *data = copy(env, bytes, &size);
    (void)class;
    if (data) {
        failed(env, face_predict_model_load_memory(data, size, &options, &model));
        free(data);
    }
    return (jlong)(uintptr_t)model;
}

NATIVE(jbyteArray, name)(JNIEnv *env, jclass class, jlong model) {
    const char *name = face_predict_model_name(model_of(model));
    const jsize length = name ? (jsize)strlen(name) : 0;
    jbyteArray bytes = (*env)->NewByteArray(env, length);
    (void)class;
    if (bytes && length) {
        (*env)->SetByteArrayRegion(env, bytes, 0, length, (const jbyte *)name);
    }
    return bytes;
}

NATIVE(void, freeModel)(JNIEnv *env, jclass class, jlong model) {
    (void)env, (void)class;
    face_predict_model_free(model_of(model));
}

NATIVE(jlong, newResult)(JNIEnv *env, jclass class) {
    face_predict_result *result = face_predict_result_new();
    (void)class;
    if (!result) {
        raise_status(env, FACE_PREDICT_ERROR_OUT_OF_MEMORY, "no memory for a result");
    }
    return (jlong)(uintptr_t)result;
}

NATIVE(void, freeResult)(JNIEnv *env, jclass class, jlong result) {
    (void)env, (void)class;
    face_predict_result_free(result_of(result));
}

NATIVE(void, predict)(JNIEnv *env, jclass class, jlong model, jlong result, jint format, jint width, jint height,
                      jobject pixels, jint offset, jint size, jint stride, jint rotation, jboolean mirrored, jint flags,
                      jint max_faces, jfloat coverage, jfloat threshold, jfloatArray regions) {
    face_predict_options options;
    face_predict_image image;
    const char *data = (*env)->GetDirectBufferAddress(env, pixels);
    (void)class;
    if (!options_from(env, &options, flags, max_faces, coverage, threshold, regions)) {
        return;
    }
    memset(&image, 0, sizeof image);
    image.struct_size = sizeof image;
    image.format = (uint32_t)format;
    image.width = (uint32_t)width;
    image.height = (uint32_t)height;
    /* A size of 0 would mean "trust me"; an empty buffer is no picture. */
    image.planes[0] = data && size > 0 ? data + offset : NULL;
    image.strides[0] = (size_t)stride;
    image.sizes[0] = (size_t)size;
    image.rotation = (uint32_t)rotation;
    image.mirrored = mirrored;
    failed(env, face_predict(model_of(model), &image, &options, result_of(result)));
    free((void *)options.regions);
}

NATIVE(void, predictFile)(JNIEnv *env, jclass class, jlong model, jlong result, jbyteArray path, jint flags,
                          jint max_faces, jfloat coverage, jfloat threshold, jfloatArray regions) {
    face_predict_options options;
    char *text;
    (void)class;
    if (!options_from(env, &options, flags, max_faces, coverage, threshold, regions)) {
        return;
    }
    text = copy(env, path, NULL);
    if (text) {
        failed(env, face_predict_file(model_of(model), text, &options, result_of(result)));
        free(text);
    }
    free((void *)options.regions);
}

NATIVE(void, predictEncoded)(JNIEnv *env, jclass class, jlong model, jlong result, jbyteArray array, jobject buffer,
                             jint offset, jint size, jint flags, jint max_faces, jfloat coverage, jfloat threshold,
                             jfloatArray regions) {
    face_predict_options options;
    char *copied = NULL;
    const char *data;
    (void)class;
    if (!options_from(env, &options, flags, max_faces, coverage, threshold, regions)) {
        return;
    }
    if (array) {
        data = copied = copy(env, array, NULL);
    } else {
        data = (*env)->GetDirectBufferAddress(env, buffer);
        data = data ? data + offset : "";
    }
    if (data) {
        failed(env, face_predict_encoded(model_of(model), data, (size_t)size, &options, result_of(result)));
    }
    free(copied);
    free((void *)options.regions);
}

NATIVE(jintArray, size)(JNIEnv *env, jclass class, jlong result) {
    uint32_t width = 0, height = 0;
    jintArray out = (*env)->NewIntArray(env, 2);
    (void)class;
    if (out && !failed(env, face_predict_result_size(result_of(result), &width, &height))) {
        const jint size[2] = {(jint)width, (jint)height};
        (*env)->SetIntArrayRegion(env, out, 0, 2, size);
    }
    return out;
}

NATIVE(jfloatArray, faces)(JNIEnv *env, jclass class, jlong result) {
    const size_t count = face_predict_result_count(result_of(result));
    jfloatArray out = (*env)->NewFloatArray(env, (jsize)(21 * count));
    size_t i;
    (void)class;
    for (i = 0; out && i < count; i++) {
        face_predict_face face;
        jfloat n[21];
        if (failed(env, face_predict_result_face(result_of(result), i, &face, sizeof face))) {
            return NULL;
        }
        /* Box, landmarks, score, age, its interval and the probability are floats in a row. */
        memcpy(n, &face, 19 * sizeof *n);
        n[19] = (jfloat)face.gender;
        n[20] = (jfloat)face.quality;
        (*env)->SetFloatArrayRegion(env, out, (jsize)(21 * i), 21, n);
    }
    return out;
}

NATIVE(jfloatArray, years)(JNIEnv *env, jclass class, jlong result, jint face) {
    size_t count = 0;
    const float *years = face_predict_result_age_distribution(result_of(result), (size_t)face, &count);
    jfloatArray out = (*env)->NewFloatArray(env, years ? (jsize)count : 0);
    (void)class;
    if (out && years) {
        (*env)->SetFloatArrayRegion(env, out, 0, (jsize)count, years);
    }
    return out;
}
