package facepredict;

/** The order of the components in memory. */
public enum Format {
    GRAY(1),
    RGB(2),
    BGR(3),
    /** Red, green, blue, alpha. Android's ARGB_8888 bitmaps (copyPixelsToBuffer) have this order. */
    RGBA(4),
    BGRA(5),
    /** A plane of Y, then one of U and V in turn. A pair of U and V belongs to 2 x 2 pixels. */
    NV12(6),
    /** A plane of Y, then one of V and U in turn, as in Android's ImageFormat.NV21. */
    NV21(7),
    /** Planes of Y, U and V. For the planes of Android's YUV_420_888, use {@link Image#yuv420}. */
    I420(8),
    /** One plane that repeats Y U Y V. USB cameras give it. */
    YUYV(9),
    /** One plane that repeats U Y V Y. Capture cards give it. */
    UYVY(10),
    /** Alpha, red, green, blue, in the order of the bytes in memory. */
    ARGB(11),
    ABGR(12),
    /** NV12 with 16 little-endian bits for each sample, of which the upper 10 are used. */
    P010(13),
    /** The bytes of a picture file. Use {@link Image#encoded}. */
    ENCODED(14);

    final int number;

    Format(int number) {
        this.number = number;
    }
}
