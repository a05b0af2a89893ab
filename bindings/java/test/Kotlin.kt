// Tests from Kotlin: closing by `use`, and README's snippets, which test.sh puts into functions of Snippets.kt.
import facepredict.*
import java.io.File
import java.nio.ByteBuffer
import java.util.concurrent.Executor

// Stand-ins for android.graphics.Bitmap and CameraX, with the signatures of their documents.
class Bitmap(val width: Int, val height: Int) {
    val rowBytes = 4 * width
    val byteCount = rowBytes * height

    fun copyPixelsToBuffer(buffer: ByteBuffer) {
        while (buffer.hasRemaining()) buffer.put(100)
    }
}

class PlaneProxy(val buffer: ByteBuffer, val rowStride: Int, val pixelStride: Int)

class ImageInfo(val rotationDegrees: Int, val timestamp: Long)

class ImageProxy(val width: Int, val height: Int, val planes: Array<PlaneProxy>, val imageInfo: ImageInfo) : AutoCloseable {
    var closed = false

    override fun close() {
        closed = true
    }
}

class ImageAnalysis(private val frames: List<ImageProxy>) {
    fun setAnalyzer(executor: Executor, body: (ImageProxy) -> Unit) = frames.forEach { executor.execute { body(it) } }
}

// A frame as phones give it: samples of U and V alternate, and the buffers end a byte early.
fun frame(timestamp: Long): ImageProxy {
    val y = ByteBuffer.allocateDirect(64 * 48)
    val chroma = ByteBuffer.allocateDirect(64 * 24)
    val u = chroma.duplicate().apply { limit(chroma.capacity() - 1) }.slice()
    val v = chroma.duplicate().apply { position(1) }.slice()
    return ImageProxy(64, 48, arrayOf(PlaneProxy(y, 64, 1), PlaneProxy(u, 64, 2), PlaneProxy(v, 64, 2)), ImageInfo(90, timestamp))
}

inline fun <reified T : Throwable> fails(message: String, call: () -> Unit) {
    try {
        call()
    } catch (error: Throwable) {
        check(error is T && message in error.message.orEmpty()) { error.toString() }
        return
    }
    error("nothing was thrown: $message")
}

fun main() {
    val picture = File("tests/cases/pictures/face.bmp")
    val cropped = Options().cropped(true)
    var kept: Model? = null
    val face = Model.loadDefault().use { model ->
        kept = model
        fails<FacePredictException>("absent.jpg") { model.predict(File("absent.jpg")) }
        fails<IllegalArgumentException>("allocateDirect") { Image(Format.RGB, 1, 1, ByteBuffer.allocate(3)) }
        val frames = listOf(frame(0), frame(33_000_000))
        camera(model, ImageAnalysis(frames), Executor { it.run() }, true)
        check(frames.all { it.closed }) { "a frame was kept" }
        // A time that goes back is an exception. The frame must be closed nevertheless, or the camera stalls.
        val back = listOf(frame(33_000_000), frame(0))
        fails<FacePredictException>("time goes back") { camera(model, ImageAnalysis(back), Executor { it.run() }, true) }
        check(back.all { it.closed }) { "a frame was kept after an exception" }
        check(bitmap(model, Bitmap(64, 80)) >= 0)
        model.predict(picture, cropped).faces.single()
    }
    check(face.ageAtLeast(0f) > 0.99) { face.toString() }
    fails<IllegalStateException>("closed") { kept!!.predict(picture, cropped) }
    println("Kotlin: $face")
}
