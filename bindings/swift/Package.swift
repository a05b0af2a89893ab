// swift-tools-version:5.9
// The C interface for Swift: `import FacePredict`. ./README.md has the commands. Not run here, where there is no Xcode.
import PackageDescription

let package = Package(
    name: "FacePredict",
    platforms: [.iOS(.v13)],
    products: [.library(name: "FacePredict", targets: ["FacePredict"])],
    targets: [.binaryTarget(name: "FacePredict", path: "FacePredict.xcframework")]
)
