/* The header alone, included twice. Its initialisers set all fields. */
#include <face_predict.h>
#include <face_predict.h>

int main(void) {
    face_predict_model_options model_options = FACE_PREDICT_MODEL_OPTIONS_INIT;
    face_predict_image image = FACE_PREDICT_IMAGE_INIT;
    face_predict_options options = FACE_PREDICT_OPTIONS_INIT;
    face_predict_tracker_options tracker_options = FACE_PREDICT_TRACKER_OPTIONS_INIT;
    return model_options.struct_size != sizeof model_options || image.struct_size != sizeof image ||
           options.struct_size != sizeof options || options.region_size != sizeof(face_predict_region) ||
           tracker_options.struct_size != sizeof tracker_options;
}
