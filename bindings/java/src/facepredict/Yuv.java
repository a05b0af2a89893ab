package facepredict;

/** How YUV is converted to colours. */
public enum Yuv {
    /** BT.601, with Y from 16 to 235. Most cameras use it. */
    BT601_LIMITED,
    /** BT.601, with Y from 0 to 255. JPEG uses it, and many phones do. */
    BT601_FULL,
    /** BT.709, with Y from 16 to 235. HD video uses it. */
    BT709_LIMITED,
    BT709_FULL
}
