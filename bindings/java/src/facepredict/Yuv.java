package facepredict;

/** How YUV is converted to colours. */
public enum Yuv {
    /** BT.601, with Y from 16 to 235: most cameras. */
    BT601_LIMITED,
    /** JPEG, and many phones. */
    BT601_FULL,
    /** HD video. */
    BT709_LIMITED,
    BT709_FULL
}
