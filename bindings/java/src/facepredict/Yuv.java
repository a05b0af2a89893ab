package facepredict;

/** How YUV numbers map to colours. */
public enum Yuv {
    /** Most cameras. */
    BT601_LIMITED,
    /** JPEG, and many phones. */
    BT601_FULL,
    /** HD video. */
    BT709_LIMITED,
    BT709_FULL
}
