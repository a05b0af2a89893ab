/* The header alone, and twice. */
#include <face_predict.h>
#include <face_predict.h>

int main(void) {
    return 0;
}
